/**
 * Threads that help others while they have nothing of their own to do: which threads have something for them, how many are looking, and what
 * they did. They look, and do not sleep, because to be woken takes longer than a batch does: whoever has one asks first whether
 * anybody looks, and does all of it as ever if not.
 * Memory: HELPERS_BYTES for all threads, a cache line for each word.
 */
import { HELPERS_BYTES, helpers, thread } from "../memory/layout";
import { ThreadState } from "../memory/thread-state";

/** Less is done before a block of it is anywhere else. */
const SHARED_LEAST: u32 = 16_384;

const OFFERS: usize = 0; // u32: a bit for each thread that has blocks to be taken
const LOOKING: usize = 64; // u32: how many threads look at it
const MESSAGES: usize = 128; // u64: sealed or opened for another thread
if (MESSAGES + 64 > HELPERS_BYTES) ERROR("HELPERS_BYTES is too little");

export class Helpers {
  /** Whether this thread shall share its next `bytes` of messages. It notes those that it would share, if anybody looked. */
  static shall(bytes: u32): bool {
    if (bytes < SHARED_LEAST) return false;
    if (atomic.load<u32>(helpers + LOOKING) !== 0) return true;
    ThreadState.get().unshared += bytes;
    return false;
  }

  static startLooking(): void {
    atomic.add<u32>(helpers + LOOKING, 1);
  }

  static stopLooking(): void {
    atomic.sub<u32>(helpers + LOOKING, 1);
  }

  /** There are blocks of this thread. */
  static offer(): void {
    atomic.or<u32>(helpers + OFFERS, (<u32>1) << thread);
  }

  static withdraw(): void {
    atomic.and<u32>(helpers + OFFERS, ~((<u32>1) << thread));
  }

  /** Threads that have something, a bit each. */
  @inline static get offers(): u32 {
    return atomic.load<u32>(helpers + OFFERS);
  }

  static count(messages: u32): void {
    atomic.add<u64>(helpers + MESSAGES, messages);
  }

  static get messages(): u64 {
    return atomic.load<u64>(helpers + MESSAGES);
  }
}
