/**
 * What ends a message of the AEAD for Poly1305 (RFC 8439 §2.8): its last ciphertext, zeros up to a whole block, and the
 * lengths of AAD and ciphertext. Put together in scratch memory, so that all of it can be woven into ChaCha20: into the
 * blocks of the last chunk when opening, into the first blocks of the next message when sealing a batch.
 * Memory: the blocks lie where the keystream of the last chunk was or will be (Symmetric.last).
 */
import { DOUBLE_ROUNDS } from "./chacha20-simd";
import { Symmetric } from "./layout";
import { Partial } from "./partial";
import { Poly1305 } from "./poly1305";

/** Bytes of ciphertext at the most: with the lengths, what can be woven into one chunk. */
export const ENDING_BYTES: u32 = 32 * DOUBLE_ROUNDS - 16;

/** The ending in scratch memory. Of a message whose tag is not written yet it also knows where that goes. */
@unmanaged
export class Ending {
  /** Blocks that Poly1305 has not seen; 0 when no tag is outstanding. */
  blocks: u32;
  tag: usize;

  @inline static get scratch(): Ending {
    return changetype<Ending>(Symmetric.ending);
  }

  /**
   * @param src     ciphertext that Poly1305 has not seen, up to the end of the message
   * @param length  its bytes, up to ENDING_BYTES
   * @returns       how many blocks it makes
   */
  static put(src: usize, length: u32, aadTotal: u32, total: u32): u32 {
    let at = Symmetric.last;
    const start = at;
    for (; length >= 16; length -= 16) {
      v128.store(at, v128.load(src));
      at += 16;
      src += 16;
    }
    if (length) {
      v128.store(at, i64x2.splat(0));
      Partial.copy(at, src, length);
      at += 16;
    }
    store<u64>(at, <u64>aadTotal);
    store<u64>(at, <u64>total, 8);
    return <u32>(at + 16 - start) >> 4;
  }

  /** Finish the tag that is outstanding: its first `woven` blocks went into the MAC already. */
  settle(woven: u32): void {
    const mac = Poly1305.scratch;
    mac.blocks(Symmetric.last + ((<usize>woven) << 4), this.blocks - woven);
    mac.finish(this.tag);
    this.blocks = 0;
  }
}
