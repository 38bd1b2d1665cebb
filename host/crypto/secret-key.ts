/**
 * X25519 keys that stay inside, and the way from them to a key of the AEADs: handles whose bytes live in linear memory only,
 * of one module after the other.
 *
 *   SecretKey --diffieHellman--> SharedSecret --deriveKey--> AeadKey --seal, open
 *
 * `destroy()`, or the end of a `using` scope, wipes the key; using it later throws KeyDestroyedError.
 */
import { checkBytesOf } from "./check.ts";
import { LowOrderPointError } from "./crypto-errors.ts";
import { copyOf, type FillSlot, KeyArena, KeyHandle, randomKey } from "./key-arena.ts";
import { KEY_SLOT_BYTES, NONCE } from "./memory.ts";
import { SharedSecret } from "./shared-secret.ts";
import { main } from "./x25519-module.ts";

const PUBLIC_KEY = NONCE;

type Bytes = Uint8Array<ArrayBuffer>;

const arena = new KeyArena("SecretKey", main);

/** An X25519 secret key. */
export class SecretKey extends KeyHandle {
  constructor(fill: FillSlot) {
    super(arena, fill);
  }

  static generate(): SecretKey {
    return new SecretKey(randomKey);
  }

  /** @param bytes  32 bytes; copied. Wipe them when nothing else needs them */
  static import(bytes: Uint8Array): SecretKey {
    return new SecretKey(copyOf(bytes));
  }

  /** @returns 32 bytes, not secret */
  publicKey(): Bytes {
    const secret = KeyHandle.addressOf(this);
    try {
      main.exports.x25519Base(main.staging, secret);
      return main.take(KEY_SLOT_BYTES);
    } finally {
      main.wipe(KEY_SLOT_BYTES);
    }
  }

  /** @param publicKey  the other side's, 32 bytes. @throws LowOrderPointError */
  diffieHellman(publicKey: Uint8Array): SharedSecret {
    const secret = KeyHandle.addressOf(this);
    checkBytesOf(KEY_SLOT_BYTES, publicKey, "public key");
    return new SharedSecret((slot) => {
      const { exports, bytes, args, staging } = main;
      try {
        bytes.set(publicKey, args + PUBLIC_KEY);
        if (!exports.x25519(staging, secret, args + PUBLIC_KEY)) throw new LowOrderPointError();
        slot.set(main.staged(KEY_SLOT_BYTES));
      } finally {
        main.wipe(KEY_SLOT_BYTES);
      }
    });
  }
}
