/**
 * Sealing and opening of one message, with arguments that were checked.
 * A message is copied into linear memory, worked on there in place, and copied out only when it was sealed or its tag
 * is right.
 */
import { copyInto, lengthOf } from "./check.ts";
import { type CipherExports, main, workspaceFor } from "./ciphers-module.ts";
import { InvalidTagError } from "./crypto-errors.ts";
import { KEY, NONCE, type Workspace } from "./memory.ts";

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
/** 96-bit nonces make ChaCha20-Poly1305, 192-bit nonces XChaCha20-Poly1305. */
export const NONCE_BYTES = 12;
export const LONG_NONCE_BYTES = 24;

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the associated data lie, seen from the staging area: behind the message and its tag. */
const aadOffset = (length: number): number => Math.ceil((length + TAG_BYTES) / TAG_BYTES) * TAG_BYTES;

/** A key as bytes, or where it lies in the main memory. */
type Key = Uint8Array | number;

/** Copy key, nonce, message and associated data into a workspace. A key never becomes a JS object on the way. */
function stage(
  workspace: Workspace<CipherExports>,
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

/** @throws InvalidTagError */
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
