/**
 * Handshakes per source address under load (the kernel's ratelimiter.c): a token bucket of five, twenty tokens a second,
 * for each IPv4 address and each IPv6 /64. A full bucket is forgotten.
 */
import type { Address, Core } from "../core/core.ts";
import { pathAddressAt, pathFamily } from "../core/records/path.ts";
import type { Instant } from "../time/instant.ts";

const TOKEN_COST = 50; // ms: 20 a second
const BUCKET = 5 * TOKEN_COST;
const FORGET_AFTER = 1_000;
/**
 * The kernel's bound where there is more than 1 GiB of memory. Beyond it both refuse sources that are new, and serve those that are
 * known. To fill it takes as many senders with a cookie, and a Diffie-Hellman for each: more than a core computes before
 * the first ones are forgotten.
 */
const MAX_SOURCES = 65_536;

interface Bucket {
  tokens: number;
  at: Instant;
}

export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt: Instant = 0;

  /** May a handshake message from `path` be answered now? */
  allow(core: Core, path: Address, now: Instant): boolean {
    this.#sweep(now);
    const key = sourceKey(core, path);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_SOURCES) return false;
      this.#buckets.set(key, { tokens: BUCKET - TOKEN_COST, at: now });
      return true;
    }
    bucket.tokens = Math.min(BUCKET, bucket.tokens + (now - bucket.at));
    bucket.at = now;
    if (bucket.tokens < TOKEN_COST) return false;
    bucket.tokens -= TOKEN_COST;
    return true;
  }

  #sweep(now: Instant): void {
    if (now - this.#sweptAt < FORGET_AFTER) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) if (now - bucket.at > FORGET_AFTER) this.#buckets.delete(key);
  }
}

/** The IPv4 address, or the upper half of the IPv6 address. */
function sourceKey(core: Core, path: Address): string {
  const word = (offset: number): string => core.u32(pathAddressAt(path) + offset).toString(36);
  const ipv4 = pathFamily(core.views, path) === 4;
  return ipv4 ? word(0) : `${word(0)}:${word(4)}`;
}
