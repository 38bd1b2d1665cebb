/** The secret that two sides share: its bytes live in linear memory only. */
import { AeadKey } from "./aead-key.ts";
import { main } from "./blake2s-module.ts";
import { checkBytes, lengthOf, ownOptions } from "./check.ts";
import { type FillSlot, KeyArena, KeyHandle } from "./key-arena.ts";
import { KEY, KEY_SLOT_BYTES, NONCE, STAGING_BYTES } from "./memory.ts";

// Where they lie among the arguments.
const PSEUDORANDOM_KEY = KEY;
const OUTPUT = NONCE;
/** HKDF's number of the first and only block. */
const FIRST_BLOCK = 1;

const arena = new KeyArena("SharedSecret", main);

export interface DeriveOptions {
  /** What the key is for. Different texts give independent keys: name the protocol, the direction, both public keys. */
  readonly info?: Uint8Array | undefined;
  /** Not secret, may be random; without it, zeros. */
  readonly salt?: Uint8Array | undefined;
}

/** What two sides have in common after X25519. Not a key yet: derive one. */
export class SharedSecret extends KeyHandle {
  constructor(fill: FillSlot) {
    super(arena, fill);
  }

  /** HKDF (RFC 5869) with BLAKE2s: one block of output. */
  deriveKey(options: DeriveOptions = {}): AeadKey {
    const { info = new Uint8Array(), salt = new Uint8Array() } = ownOptions(options);
    checkBytes(info, "info");
    checkBytes(salt, "salt");
    const [infoLength, saltLength] = [lengthOf(info), lengthOf(salt)];
    const secret = KeyHandle.addressOf(this);
    const used = Math.max(infoLength + 1, saltLength);
    if (used > STAGING_BYTES) throw new RangeError(`"info" and "salt" expected less than ${STAGING_BYTES} bytes`);
    const { exports, bytes, args, staging } = main;
    return new AeadKey((slot) => {
      try {
        bytes.set(salt, staging);
        exports.hmac(args + PSEUDORANDOM_KEY, staging, saltLength, secret, KEY_SLOT_BYTES);
        bytes.set(info, staging);
        bytes[staging + infoLength] = FIRST_BLOCK;
        exports.hmac(args + OUTPUT, args + PSEUDORANDOM_KEY, KEY_SLOT_BYTES, staging, infoLength + 1);
        slot.set(bytes.subarray(args + OUTPUT, args + OUTPUT + KEY_SLOT_BYTES));
      } finally {
        main.wipe(used);
      }
    });
  }
}
