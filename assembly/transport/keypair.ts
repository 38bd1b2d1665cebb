/**
 * One session's keys and counters (WireGuard paper §5.4.5). Every peer owns three of them, numbered
 * 1 to 3; which one is current, previous or next is in the peer (transport/keypairs.ts).
 * Memory: KEYPAIR_BYTES in the region for secrets: the fields below, then the replay window.
 */
import { KEYPAIR_BYTES } from "../abi";
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME } from "../constants";
import { PeerSecrets } from "../memory/peer-secrets";
import { Lock, Sharing } from "../memory/sharing";
import { REPLAY_BYTES, ReplayWindow } from "./replay";

const WINDOW_AT: usize = 112;
if (offsetof<Keypair>() !== WINDOW_AT) ERROR("WINDOW_AT is not where the fields end");
if (WINDOW_AT + REPLAY_BYTES > <usize>KEYPAIR_BYTES) ERROR("the keypair is larger than its slot");

@unmanaged
export class Keypair {
  sendingKey0: u64; // T^send, 32 bytes
  sendingKey1: u64;
  sendingKey2: u64;
  sendingKey3: u64;
  receivingKey0: u64; // T^recv, 32 bytes
  receivingKey1: u64;
  receivingKey2: u64;
  receivingKey3: u64;
  /** N^send: counter of the next message. Atomic: threads take numbers from it. */
  sendingCounter: u64;
  /** When the session began. */
  createdAt: f64;
  localIndex: u32;
  remoteIndex: u32;
  peer: u32;
  /** 1 while in use. */
  live: u32;
  /** 1 if this side sent the initiation. */
  initiator: u32;
  /** 1 when nothing more may be sent under it: our identity changed. */
  retired: u32;
  /** 1 once a message came under it while it was `next` and threads share the peer. */
  confirmed: u32;
  /** Guards the replay window while threads share it. */
  lock: u32;

  /** Keypair `number` (1 to 3) of a peer. */
  @inline static of(peer: u32, number: u32): Keypair {
    return changetype<Keypair>(PeerSecrets.keypairs(peer) + KEYPAIR_BYTES * <usize>(number - 1));
  }

  @inline get sendingKey(): usize {
    return changetype<usize>(this);
  }

  @inline get receivingKey(): usize {
    return changetype<usize>(this) + 32;
  }

  @inline get window(): ReplayWindow {
    return changetype<ReplayWindow>(changetype<usize>(this) + WINDOW_AT);
  }

  /** Young enough at `now` to send or receive. */
  @inline fresh(now: f64): bool {
    return now - this.createdAt < REJECT_AFTER_TIME;
  }

  @inline canSend(now: f64): bool {
    return !this.retired && this.fresh(now) && this.sendingCounter < REJECT_AFTER_MESSAGES;
  }

  /** Take `count` consecutive counters. @returns the first, or REJECT_AFTER_MESSAGES when they ran out */
  takeCounters(count: u32): u64 {
    const at = changetype<usize>(this) + offsetof<Keypair>("sendingCounter");
    const first = atomic.add<u64>(at, count);
    if (first <= REJECT_AFTER_MESSAGES - count) return first;
    atomic.store<u64>(at, REJECT_AFTER_MESSAGES);
    return REJECT_AFTER_MESSAGES;
  }

  /** ReplayWindow.accept, by one thread at a time. */
  @inline accept(counter: u64): bool {
    return Sharing.on ? this.acceptLocked(counter) : this.window.accept(counter);
  }

  private acceptLocked(counter: u64): bool {
    const lock = changetype<usize>(this) + offsetof<Keypair>("lock");
    Lock.acquire(lock);
    const accepted = this.window.accept(counter);
    Lock.release(lock);
    return accepted;
  }

  wipe(): void {
    memory.fill(changetype<usize>(this), 0, KEYPAIR_BYTES);
  }
}
