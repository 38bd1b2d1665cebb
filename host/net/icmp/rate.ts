/**
 * How many ICMP errors may be sent (RFC 1122 §3.2.2, RFC 4443 §2.4 f): so many a second in all, and fewer to one destination, so
 * that one who provokes them does not use up what others need. Destinations share buckets by a keyed hash: memory is fixed.
 */
import type { Instant } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import { SipHash } from "../siphash.ts";

/** As Linux's icmp_msgs_per_sec and icmp_msgs_burst. */
const ALL = { perSecond: 1000, burst: 50 };
const EACH = { perSecond: 20, burst: 10 };
const BUCKETS = 256;

class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: Instant = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst }: { perSecond: number; burst: number }) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  has(now: Instant): boolean {
    const passed = this.#at === Number.NEGATIVE_INFINITY ? 0 : now - this.#at;
    this.#tokens = Math.min(this.#burst, this.#tokens + (passed * this.#perSecond) / 1000);
    this.#at = now;
    return this.#tokens >= 1;
  }

  take(): void {
    this.#tokens -= 1;
  }
}

export class ErrorRate {
  readonly #hash: SipHash;
  readonly #words = new Int32Array(4);
  readonly #all = new TokenBucket(ALL);
  readonly #buckets: (TokenBucket | undefined)[] = new Array(BUCKETS).fill(undefined);

  /** @param key 16 random bytes */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
  }

  /** May an error be sent to `destination`? It counts as sent then. */
  take(destination: IpAddress, now: Instant): boolean {
    const { w0, w1, w2, w3 } = destination;
    // A whole /64 is one destination: its owner has as many addresses as he likes.
    this.#words.set(destination.family === 4 ? [0, 0, w2, w3] : [w0, w1, 0, 0]);
    const index = this.#hash.hash(this.#words, 4) & (BUCKETS - 1);
    const bucket = this.#buckets[index] ?? new TokenBucket(EACH);
    this.#buckets[index] = bucket;
    if (!bucket.has(now) || !this.#all.has(now)) return false;
    bucket.take();
    this.#all.take();
    return true;
  }
}
