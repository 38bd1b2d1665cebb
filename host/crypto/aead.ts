/**
 * ChaCha20-Poly1305 (RFC 8439 §2.8) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), called as in @noble/ciphers.
 * A message is copied into linear memory, worked on there in place, and copied out only when it was sealed or its tag
 * is right. So input and output may overlap in any way, and a failed decrypt leaves the output as it was.
 */
import { checkBytes, checkBytesOf, copyInto, lengthOf } from "./check.ts";
import { InvalidLengthError, InvalidTagError, SpentError } from "./crypto-errors.ts";
import { KEY, main, NONCE, type Workspace, workspaceFor } from "./memory.ts";

const KEY_BYTES = 32;
export const TAG_BYTES = 16;
const BLOCK_BYTES = 64;
/** 96-bit nonces make ChaCha20-Poly1305, 192-bit nonces XChaCha20-Poly1305. */
export const NONCE_BYTES = 12;
export const LONG_NONCE_BYTES = 24;

export interface AeadCipher {
  /** @returns ciphertext and tag: `output` if given. Once per instance: a nonce must not serve two messages */
  encrypt(plaintext: Uint8Array, output?: Uint8Array): Uint8Array<ArrayBuffer>;
  /** @returns the plaintext: `output` if given. @throws InvalidTagError */
  decrypt(ciphertext: Uint8Array, output?: Uint8Array): Uint8Array<ArrayBuffer>;
}

export interface Aead {
  (key: Uint8Array, nonce: Uint8Array, aad?: Uint8Array): AeadCipher;
  readonly blockSize: number;
  readonly nonceLength: number;
  readonly tagLength: number;
  readonly withAAD: true;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the associated data lie, seen from the staging area: behind the message and its tag. */
const aadOffset = (length: number): number => Math.ceil((length + TAG_BYTES) / TAG_BYTES) * TAG_BYTES;

/** A key as bytes, or where it lies in the main memory. */
type Key = Uint8Array | number;

/** Copy key, nonce, message and associated data into a workspace. A key never becomes a JS object on the way. */
function stage(
  workspace: Workspace,
  key: Key,
  nonce: Uint8Array,
  message: Uint8Array,
  aad: Uint8Array | undefined,
  aadAt: number,
): void {
  const { bytes, args, staging } = workspace;
  if (typeof key !== "number") bytes.set(key, args + KEY);
  else bytes.set(main.bytes.subarray(key, key + KEY_BYTES), args + KEY);
  bytes.set(nonce, args + NONCE);
  bytes.set(message, staging);
  if (aad !== undefined) bytes.set(aad, staging + aadAt);
}

/** Seal with arguments that were checked. */
export function sealWith(
  key: Key,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array | undefined,
  output: Uint8Array | undefined,
): Bytes {
  const length = lengthOf(plaintext);
  const aadLength = aad === undefined ? 0 : lengthOf(aad);
  const aadAt = aadOffset(length);
  const workspace = workspaceFor(aadAt + aadLength);
  const { exports, args, staging } = workspace;
  try {
    stage(workspace, key, nonce, plaintext, aad, aadAt);
    const run = lengthOf(nonce) === NONCE_BYTES ? exports.aeadSeal : exports.xaeadSeal;
    run(staging, staging, length, args + KEY, args + NONCE, staging + aadAt, aadLength);
    const result = (output ?? new Uint8Array(length + TAG_BYTES)) as Bytes;
    copyInto(result, workspace.staged(length + TAG_BYTES));
    return result;
  } finally {
    workspace.wipe(aadAt + aadLength);
  }
}

/** Open with arguments that were checked. @throws InvalidTagError */
export function openWith(
  key: Key,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array | undefined,
  output: Uint8Array | undefined,
): Bytes {
  const length = lengthOf(sealed) - TAG_BYTES;
  const aadLength = aad === undefined ? 0 : lengthOf(aad);
  const aadAt = aadOffset(length);
  const workspace = workspaceFor(aadAt + aadLength);
  const { exports, args, staging } = workspace;
  try {
    stage(workspace, key, nonce, sealed, aad, aadAt);
    const run = lengthOf(nonce) === NONCE_BYTES ? exports.aeadOpen : exports.xaeadOpen;
    if (!run(staging, staging, length, args + KEY, args + NONCE, staging + aadAt, aadLength))
      throw new InvalidTagError();
    const result = (output ?? new Uint8Array(length)) as Bytes;
    copyInto(result, workspace.staged(length));
    return result;
  } finally {
    workspace.wipe(aadAt + aadLength);
  }
}

function aead(nonceLength: number): Aead {
  const create = (key: Uint8Array, nonce: Uint8Array, aad?: Uint8Array): AeadCipher => {
    checkBytes(key, "key");
    checkBytesOf(nonceLength, nonce, "nonce");
    if (aad !== undefined) checkBytes(aad, "AAD");
    let spent = false;
    return {
      encrypt(plaintext, output) {
        if (spent) throw new SpentError("cannot encrypt twice with the same key and nonce: make a new cipher");
        spent = true;
        checkBytes(plaintext, "data");
        if (output !== undefined) checkBytesOf(lengthOf(plaintext) + TAG_BYTES, output, "output");
        checkBytesOf(KEY_BYTES, key, "key");
        checkBytesOf(nonceLength, nonce, "nonce");
        return sealWith(key, nonce, plaintext, aad, output);
      },
      decrypt(ciphertext, output) {
        checkBytes(ciphertext, "data");
        if (lengthOf(ciphertext) < TAG_BYTES) throw new InvalidLengthError("the ciphertext is shorter than its tag");
        if (output !== undefined) checkBytesOf(lengthOf(ciphertext) - TAG_BYTES, output, "output");
        checkBytesOf(KEY_BYTES, key, "key");
        checkBytesOf(nonceLength, nonce, "nonce");
        return openWith(key, nonce, ciphertext, aad, output);
      },
    };
  };
  return Object.assign(create, { blockSize: BLOCK_BYTES, nonceLength, tagLength: TAG_BYTES, withAAD: true as const });
}

/** ChaCha20-Poly1305. A 12-byte nonce is too short to be random: count. */
export const chacha20poly1305: Aead = aead(NONCE_BYTES);

/** XChaCha20-Poly1305. A 24-byte nonce may be random. */
export const xchacha20poly1305: Aead = aead(LONG_NONCE_BYTES);
