/**
 * Replay window of one receiving key (RFC 6479; WireGuard paper §5.4.6).
 * Memory: REPLAY_BYTES at `this`: the field below, then a ring of u64 words.
 * Order: verify the AEAD tag first; a forged counter must never slide the window.
 */
import { REJECT_AFTER_MESSAGES } from "../constants";

const RING_WORDS: u64 = 128; // power of two: 8192 bits
const WINDOW: u64 = (RING_WORDS - 1) * 64; // counters: up to 8128 late is accepted
export const REPLAY_BYTES: usize = 8 + <usize>RING_WORDS * 8;

@unmanaged
export class ReplayWindow {
  /** Highest counter accepted; 0 before the first. */
  highest: u64;

  /** True once per counter; false if seen, over WINDOW late, or ≥ REJECT_AFTER_MESSAGES. */
  accept(counter: u64): bool {
    if (counter >= REJECT_AFTER_MESSAGES || counter + WINDOW < this.highest) return false;
    if (counter > this.highest) this.slideTo(counter);
    const word = this.at(counter >> 6);
    const bit = (<u64>1) << (counter & 63);
    const seen = load<u64>(word);
    store<u64>(word, seen | bit);
    return (seen & bit) === 0;
  }

  /** Zero the words passed over: one lap of the ring at most. */
  private slideTo(counter: u64): void {
    const from = this.highest >> 6;
    const steps = min((counter >> 6) - from, RING_WORDS);
    for (let i: u64 = 1; i <= steps; i++) store<u64>(this.at(from + i), 0);
    this.highest = counter;
  }

  /** Address of ring word `index` mod RING_WORDS: in bounds for every u64. */
  private at(index: u64): usize {
    return changetype<usize>(this) + 8 + <usize>(index % RING_WORDS) * 8;
  }
}
