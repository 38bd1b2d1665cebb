/**
 * X25519 (RFC 7748), called as in @noble/curves. Secret and public keys are 32 bytes; secret keys are clamped when used.
 * For secrets that should not lie about in JS memory, see secret-key.ts.
 */
import { checkBytesOf } from "./check.ts";
import { LowOrderPointError } from "./crypto-errors.ts";
import { KEY, NONCE, STATE } from "./memory.ts";
import { main } from "./x25519-module.ts";

const KEY_BYTES = 32;
const PUBLIC_KEY = NONCE;
// Of the second of a pair, and what both share, one behind the other: 64 bytes.
const OTHER_KEY = STATE;
const OTHER_PUBLIC_KEY = OTHER_KEY + KEY_BYTES;
const BOTH_SHARED = OTHER_PUBLIC_KEY + KEY_BYTES;
/** What `x25519Both` returns when neither result is zero. */
const BOTH_NONZERO = 3;

type Bytes = Uint8Array<ArrayBuffer>;

/** The shared point of `scalar` and the point with this u-coordinate. @throws LowOrderPointError */
function scalarMult(scalar: Uint8Array, u: Uint8Array): Bytes {
  checkBytesOf(KEY_BYTES, u, "public key");
  checkBytesOf(KEY_BYTES, scalar, "secret key");
  const { exports, bytes, args, staging } = main;
  try {
    bytes.set(scalar, args + KEY);
    bytes.set(u, args + PUBLIC_KEY);
    if (!exports.x25519(staging, args + KEY, args + PUBLIC_KEY)) throw new LowOrderPointError();
    return main.take(KEY_BYTES);
  } finally {
    main.wipe(KEY_BYTES);
  }
}

/**
 * `getSharedSecret` of two pairs of keys, which may have one in common, side by side: quicker than one after the other.
 * All keys are 32 bytes.
 * @returns both shared secrets, or none
 * @throws LowOrderPointError  when one of them would be zeros; it does not tell which, and takes the same time
 */
export function x25519Pair(
  secretKey: Uint8Array,
  publicKey: Uint8Array,
  otherSecretKey: Uint8Array,
  otherPublicKey: Uint8Array,
): [Bytes, Bytes] {
  checkBytesOf(KEY_BYTES, secretKey, "secret key");
  checkBytesOf(KEY_BYTES, publicKey, "public key");
  checkBytesOf(KEY_BYTES, otherSecretKey, "other secret key");
  checkBytesOf(KEY_BYTES, otherPublicKey, "other public key");
  const { exports, bytes, args } = main;
  try {
    bytes.set(secretKey, args + KEY);
    bytes.set(publicKey, args + PUBLIC_KEY);
    bytes.set(otherSecretKey, args + OTHER_KEY);
    bytes.set(otherPublicKey, args + OTHER_PUBLIC_KEY);
    const shared = args + BOTH_SHARED;
    const nonzero = exports.x25519Both(
      shared,
      args + KEY,
      args + PUBLIC_KEY,
      args + OTHER_KEY,
      args + OTHER_PUBLIC_KEY,
    );
    if (nonzero !== BOTH_NONZERO) throw new LowOrderPointError();
    const end = shared + KEY_BYTES;
    return [bytes.slice(shared, end), bytes.slice(end, end + KEY_BYTES)];
  } finally {
    main.wipe(0);
  }
}

/** The multiple of the base point: the public key of `scalar`. */
function scalarMultBase(scalar: Uint8Array): Bytes {
  checkBytesOf(KEY_BYTES, scalar, "secret key");
  const { exports, bytes, args, staging } = main;
  try {
    bytes.set(scalar, args + KEY);
    exports.x25519Base(staging, args + KEY);
    return main.take(KEY_BYTES);
  } finally {
    main.wipe(KEY_BYTES);
  }
}

/** @param seed  used as the key itself, instead of random bytes */
function randomSecretKey(seed: Uint8Array = crypto.getRandomValues(new Uint8Array(KEY_BYTES))): Bytes {
  checkBytesOf(KEY_BYTES, seed, "seed");
  return seed as Bytes;
}

function keygen(seed?: Uint8Array): { secretKey: Bytes; publicKey: Bytes } {
  const secretKey = randomSecretKey(seed);
  return { secretKey, publicKey: scalarMultBase(secretKey) };
}

const BASE_POINT = new Uint8Array(KEY_BYTES);
BASE_POINT[0] = 9;

export const x25519 = Object.freeze({
  keygen,
  getSharedSecret: scalarMult,
  getPublicKey: scalarMultBase,
  scalarMult,
  scalarMultBase,
  utils: Object.freeze({ randomSecretKey }),
  GuBytes: BASE_POINT,
  lengths: Object.freeze({ secretKey: KEY_BYTES, publicKey: KEY_BYTES, seed: KEY_BYTES }),
});
