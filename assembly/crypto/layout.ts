/**
 * Where the symmetric primitives keep their temporaries: offsets inside SCRATCH_AEAD.
 * All of it may hold secrets: every public operation ends with `wipeSymmetric`.
 */
import { SCRATCH, SCRATCH_AEAD } from "../memory/scratch";

const STATE: usize = SCRATCH_AEAD; // 224 bytes: the sixteen words of ChaCha20, then ten vectors
const POLY1305: usize = SCRATCH_AEAD + 224; // 96 bytes: struct Poly1305
const BLOCKS: usize = SCRATCH_AEAD + 320; // 16 bytes: an incomplete block for Poly1305
const TAG: usize = SCRATCH_AEAD + 336; // 16 bytes: the tag as computed
const NONCE: usize = SCRATCH_AEAD + 352; // 16 bytes: the inner nonce of XChaCha20
const ENDING: usize = SCRATCH_AEAD + 368; // 8 bytes: struct Ending
const SUBKEY: usize = SCRATCH_AEAD + 384; // 32 bytes: HChaCha20 output
const FIRST: usize = SCRATCH_AEAD + 448; // 768 bytes: the one-time key, unused bytes, eleven blocks of keystream
const LAST: usize = SCRATCH_AEAD + 1216; // 528 bytes: keystream of the incomplete last chunk; what ends a message
const BYTES: usize = 1744;
// For eight blocks at a time (packet-aead.ts), wiped by who uses them.
const WORDS: usize = SCRATCH_AEAD + 2048; // 512 bytes: keystream, the same words of all blocks side by side
const ZEROS: usize = SCRATCH_AEAD + 2560; // 512 bytes that nobody writes: XOR with them leaves keystream bare
const HEADS: usize = SCRATCH_AEAD + 3072; // twice 512 bytes: the first blocks of two messages
const REST: usize = SCRATCH_AEAD + 4096; // 8704 bytes: the further blocks of one

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

  @inline static get ending(): usize {
    return SCRATCH + ENDING;
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

  @inline static get words(): usize {
    return SCRATCH + WORDS;
  }

  @inline static get zeros(): usize {
    return SCRATCH + ZEROS;
  }

  @inline static get heads(): usize {
    return SCRATCH + HEADS;
  }

  @inline static get rest(): usize {
    return SCRATCH + REST;
  }

  @inline static get nonce(): usize {
    return SCRATCH + NONCE;
  }
}

/** Wipe every temporary of the symmetric primitives. */
export function wipeSymmetric(): void {
  memory.fill(SCRATCH + SCRATCH_AEAD, 0, BYTES);
}
