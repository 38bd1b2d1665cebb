/** User name and password of a proxy, compared without telling by the time taken how much of them was right. */
import { timingSafeEqual } from "node:crypto";

export class Login {
  readonly #expected: Uint8Array;

  /** @param user, password at most 255 bytes of UTF-8 each, as SOCKS5 has it */
  constructor(user: string, password: string) {
    this.#expected = pack(Buffer.from(user), Buffer.from(password));
  }

  matches(user: Uint8Array, password: Uint8Array): boolean {
    const given = pack(user, password);
    return timingSafeEqual(given, this.#expected) && user.length <= FIELD_MAX && password.length <= FIELD_MAX;
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
