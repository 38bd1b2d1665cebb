/**
 * User name and password of a proxy, compared without telling by the time taken how much of them was right, and not more often than one
 * mistypes: a client that was wrong too often is not heard for a while, right or wrong. Others are.
 */
import { timingSafeEqual } from "node:crypto";

/** Wrong tries that a client has, and how long it takes until it has one more. */
const TRIES = 10;
const TRY_MS = 6_000;
/** Clients that are remembered; whose last try is the oldest goes first. */
const CLIENTS_MAX = 1024;

export type Verdict = "right" | "wrong" | "too many tries";

export class Login {
  readonly #expected: Uint8Array;
  /** By client: when it has all its tries again. */
  readonly #tries = new Map<string, number>();
  /** When all of them have. */
  #calmAt = -Infinity;

  /** @param user, password at most 255 bytes of UTF-8 each, as SOCKS5 has it */
  constructor(user: string, password: string) {
    this.#expected = pack(Buffer.from(user), Buffer.from(password));
  }

  /** @param client who tries, as `clientOf` has it; asked for only if somebody has been wrong within the last minute */
  check(client: () => string, user: Uint8Array, password: Uint8Array, now = performance.now()): Verdict {
    if (now >= this.#calmAt) this.#tries.clear();
    if (this.#tries.size > 0 && this.#left(client(), now) < 1) return "too many tries";
    const given = pack(user, password);
    if (timingSafeEqual(given, this.#expected) && user.length <= FIELD_MAX && password.length <= FIELD_MAX)
      return "right";
    this.#wasWrong(client(), now);
    return "wrong";
  }

  #left(client: string, now: number): number {
    const full = this.#tries.get(client) ?? now;
    if (full <= now) this.#tries.delete(client);
    return TRIES - (full - now) / TRY_MS;
  }

  #wasWrong(client: string, now: number): void {
    const full = Math.max(now, this.#tries.get(client) ?? now) + TRY_MS;
    // In the order of their last tries.
    this.#tries.delete(client);
    this.#tries.set(client, full);
    this.#calmAt = Math.max(this.#calmAt, full);
    if (this.#tries.size > CLIENTS_MAX) this.#tries.delete(this.#tries.keys().next().value!);
  }
}

const FIELD_MAX = 255;

/** Both fields with their lengths, each in a place of fixed size, so that all logins are compared alike. */
function pack(user: Uint8Array, password: Uint8Array): Uint8Array {
  const packed = new Uint8Array(2 * (FIELD_MAX + 1));
  for (const [i, field] of [user, password].entries()) {
    packed[i * (FIELD_MAX + 1)] = Math.min(field.length, FIELD_MAX);
    packed.set(field.subarray(0, FIELD_MAX), i * (FIELD_MAX + 1) + 1);
  }
  return packed;
}
