/**
 * A batch of messages that several threads seal or open: fork and join (Conway, "A multiprocessor system design", 1963). The thread that they
 * belong to lists them in order; each block is for whoever takes it first, this thread or one that helps (help.ts). What follows
 * (replay window, endpoint, delivery, sending) is the owner's alone, in the order of the list. So nothing is ever reordered.
 *
 *   owner    begin ─ add … add ─ workThrough ─ isDone, for each block ─ what follows
 *   others              take ─ work ─ take ─ work …
 *
 * A thread that never comes costs nothing: the owner takes what nobody has taken. What somebody took is not taken over, for messages change
 * in place and cannot be tried twice; so the owner waits, and when that does not end, the device must (isDone).
 */
import { FORK_BLOCK, FORK_JOBS } from "../constants";
import { fork as ownFork } from "../memory/layout";
import { ForkRecord, NO_BLOCK } from "../records/fork";
import { Job } from "../records/job";
import { workOn } from "./blocks";
import { Helpers } from "./helpers";

/** Looks before the owner naps: longer than a block takes whose taker has a processor. */
const SPINS: u32 = 20_000;
const NAP_NS: i64 = 500_000;
/** Five seconds at least. Time in which the process was stopped is one nap. */
const NAPS: u32 = 10_000;

/** Of this instance, from `begin` on. */
let listed: u32 = 0;
let published: u32 = 0;

export class Fork {
  @inline private static get record(): ForkRecord {
    return ForkRecord.at(ownFork);
  }

  /** @param kind KIND_… of all messages */
  static begin(kind: u32): void {
    listed = 0;
    published = 0;
    Fork.record.clear(kind);
  }

  @inline static get isFull(): bool {
    return listed === FORK_JOBS;
  }

  /** How many messages are listed. */
  @inline static get count(): u32 {
    return listed;
  }

  @inline static job(index: u32): Job {
    return Fork.record.job(index);
  }

  /** List a message, if the list is not full: the work on it may begin at once. @param owner as Job has it */
  static add(message: usize, length: u32, owner: u32, descriptor: u32): void {
    const job = Fork.job(listed);
    job.message = <u32>message;
    job.length = length;
    job.owner = owner;
    job.descriptor = <u16>descriptor;
    listed++;
    if (listed % FORK_BLOCK !== 0) return;
    Fork.publish();
    if (published === 1) Helpers.offer();
  }

  private static publish(): void {
    Fork.record.publish(published, listed);
    published++;
  }

  /** Work on what is listed until others have the rest. */
  static workThrough(): void {
    const record = Fork.record;
    const offered = published !== 0;
    if (listed % FORK_BLOCK !== 0) Fork.publish();
    for (let block = record.take(); block !== NO_BLOCK; block = record.take()) workOn(record, block);
    if (offered) Helpers.withdraw();
  }

  /**
   * Wait until the block of a message is done.
   * @returns false when its taker does not go on: then this thread must not, for keys and packets are in other hands
   */
  static isDone(index: u32): bool {
    const at = Fork.record.doneAt(index / FORK_BLOCK);
    for (let spins: u32 = 0; spins < SPINS; spins++) if (atomic.load<u32>(at)) return true;
    for (let naps: u32 = 0; naps < NAPS; naps++) {
      atomic.wait<i32>(at, 0, NAP_NS);
      if (atomic.load<u32>(at)) return true;
    }
    return false;
  }

  /** Work through all of it, and wait for the others. @returns as isDone */
  static join(): bool {
    Fork.workThrough();
    for (let i: u32 = 0; i < listed; i += FORK_BLOCK) if (!Fork.isDone(i)) return false;
    return true;
  }
}
