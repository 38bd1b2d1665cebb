/**
 * Poly1305 (RFC 8439 §2.5) of a message that comes in pieces.
 * Memory: POLY1305_BYTES at `this`, any alignment: the state of poly1305.ts, then an incomplete block and its length.
 * Order: init, update as often as wanted, final; after final the state is wiped.
 */
import { wipeSymmetric } from "./layout";
import { Poly1305 } from "./poly1305";

const BLOCK_BYTES: u32 = 16;
const PARTIAL: usize = offsetof<Poly1305>();
const FILLED: usize = PARTIAL + BLOCK_BYTES; // u32: bytes in the incomplete block, below 16
export const POLY1305_BYTES: usize = FILLED + 4;

@unmanaged
export class Poly1305Stream {
  private get mac(): Poly1305 {
    return changetype<Poly1305>(changetype<usize>(this));
  }

  /** @param key  32 bytes, good for one message */
  init(key: usize): void {
    this.mac.init(key);
    store<u32>(changetype<usize>(this), 0, FILLED);
  }

  update(src: usize, length: u32): void {
    const state = changetype<usize>(this);
    const partial = state + PARTIAL;
    const filled = load<u32>(state, FILLED);
    if (filled !== 0) {
      const part = min(length, BLOCK_BYTES - filled);
      memory.copy(partial + filled, src, part);
      if (filled + part < BLOCK_BYTES) {
        store<u32>(state, filled + part, FILLED);
        return;
      }
      this.mac.blocks(partial, 1);
      src += part;
      length -= part;
    }
    this.mac.blocks(src, length >> 4);
    const rest = length & (BLOCK_BYTES - 1);
    memory.copy(partial, src + (length - rest), rest);
    store<u32>(state, rest, FILLED);
  }

  /** @param out  16 bytes, apart from the state */
  final(out: usize): void {
    const state = changetype<usize>(this);
    this.mac.last(state + PARTIAL, load<u32>(state, FILLED));
    this.mac.finish(out);
    memory.fill(state, 0, POLY1305_BYTES);
    wipeSymmetric();
  }
}

// For JS, which has only the address.

export function poly1305Init(state: usize, key: usize): void {
  changetype<Poly1305Stream>(state).init(key);
}

export function poly1305Update(state: usize, src: usize, length: u32): void {
  changetype<Poly1305Stream>(state).update(src, length);
}

export function poly1305Final(state: usize, out: usize): void {
  changetype<Poly1305Stream>(state).final(out);
}
