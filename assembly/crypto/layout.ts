/**
 * Where the symmetric primitives keep their temporaries: offsets inside SCRATCH_AEAD.
 * All of it may hold secrets: every public operation ends with `wipeSymmetric`.
 */
import { SCRATCH, SCRATCH_AEAD } from "../memory/scratch";

const STATE: usize = SCRATCH_AEAD; // 96 bytes: the sixteen words of ChaCha20, two constant vectors
const POLY1305: usize = SCRATCH_AEAD + 128; // 128 bytes: struct Poly1305
const BLOCKS: usize = SCRATCH_AEAD + 256; // 32 bytes: what ends a message for Poly1305
const TAG: usize = SCRATCH_AEAD + 288; // 16 bytes: the tag as computed
const NONCE: usize = SCRATCH_AEAD + 304; // 16 bytes: the inner nonce of XChaCha20
const SUBKEY: usize = SCRATCH_AEAD + 320; // 32 bytes: HChaCha20 output
const FIRST: usize = SCRATCH_AEAD + 384; // 256 bytes: the one-time key, unused bytes, three blocks of keystream
const LAST: usize = SCRATCH_AEAD + 640; // 256 bytes: keystream of the incomplete last chunk
const BYTES: usize = 896;

/** Addresses in the scratch memory of this instance. */
export class Symmetric {
  @inline static get state(): usize {
    return SCRATCH + STATE;
  }

  @inline static get poly1305(): usize {
    return SCRATCH + POLY1305;
  }

  @inline static get blocks(): usize {
    return SCRATCH + BLOCKS;
  }

  @inline static get tag(): usize {
    return SCRATCH + TAG;
  }

  @inline static get subkey(): usize {
    return SCRATCH + SUBKEY;
  }

  @inline static get first(): usize {
    return SCRATCH + FIRST;
  }

  @inline static get last(): usize {
    return SCRATCH + LAST;
  }

  @inline static get nonce(): usize {
    return SCRATCH + NONCE;
  }
}

/** Wipe every temporary of the symmetric primitives. */
export function wipeSymmetric(): void {
  memory.fill(SCRATCH + SCRATCH_AEAD, 0, BYTES);
}
