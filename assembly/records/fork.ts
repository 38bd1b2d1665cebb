/**
 * One thread's list of messages that others may help with (transport/fork.ts): jobs in blocks, and how far they are.
 * Who takes a block compares and exchanges the one word that tells how many are published and how many are taken: so each block has
 * one taker, and nobody gets what is not published, however long he thought about it.
 * Memory: FORK_BYTES for each thread: a cache line for the fields, `done` for each block, then the jobs.
 */
import { FORK_BLOCK, FORK_JOBS } from "../constants";
import { JOB_BYTES, Job } from "./job";

const BLOCKS: u32 = FORK_JOBS / FORK_BLOCK;
const DONE: usize = 64;
const JOBS: usize = (DONE + 4 * <usize>BLOCKS + 63) & ~63;
export const FORK_BYTES: usize = JOBS + JOB_BYTES * <usize>FORK_JOBS;

/** What is to be done with the messages. */
export const KIND_OPEN: u32 = 0;
export const KIND_SEAL: u32 = 1;
/** Of `take`: nothing to be had. */
export const NO_BLOCK: u32 = u32.MAX_VALUE;

@unmanaged
export class ForkRecord {
  /** Atomic: blocks published << 16 | blocks taken. */
  claim: u32;
  kind: u32;
  /** In the published blocks; only the last one may have fewer than FORK_BLOCK. */
  jobs: u32;

  @inline static at(address: usize): ForkRecord {
    return changetype<ForkRecord>(address);
  }

  @inline private get claimAt(): usize {
    return changetype<usize>(this) + offsetof<ForkRecord>("claim");
  }

  @inline job(index: u32): Job {
    return changetype<Job>(changetype<usize>(this) + JOBS + JOB_BYTES * <usize>index);
  }

  /** Address of a word that is 1 once the block is done; of no use before it is published. */
  @inline doneAt(block: u32): usize {
    return changetype<usize>(this) + DONE + 4 * <usize>block;
  }

  /** Forget what was there. All of it is done. */
  @inline clear(kind: u32): void {
    atomic.store<u32>(this.claimAt, 0);
    this.kind = kind;
  }

  /** Let anybody take the next block. @param jobs up to its end */
  publish(block: u32, jobs: u32): void {
    store<u32>(this.doneAt(block), 0);
    this.jobs = jobs;
    atomic.add<u32>(this.claimAt, 1 << 16);
  }

  /** @returns a block that is the caller's to work on, or NO_BLOCK */
  take(): u32 {
    let seen = atomic.load<u32>(this.claimAt);
    while ((seen & 0xffff) < seen >> 16) {
      const before = atomic.cmpxchg<u32>(this.claimAt, seen, seen + 1);
      if (before === seen) return seen & 0xffff;
      seen = before;
    }
    return NO_BLOCK;
  }

  /** To be called by who took it, as the last thing done with it. */
  @inline setDone(block: u32): void {
    atomic.store<u32>(this.doneAt(block), 1);
  }
}

if (offsetof<ForkRecord>() > DONE) ERROR("the fields take more than their line");
