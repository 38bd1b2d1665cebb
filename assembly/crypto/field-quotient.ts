/**
 * Inverses of field elements. Memory: in SCRATCH + SCRATCH_X25519, in front of what the inversion itself takes, and wiped.
 */
import { SCRATCH } from "../memory/scratch";
import { Field, PAIR_BYTES } from "./field";
import { INVERSION, invert } from "./field-inverse";

const BYTES: usize = INVERSION - 32;
const PRODUCT: usize = BYTES - PAIR_BYTES;
/** Where the memory of an inverse begins. */
export const INVERSE: usize = PRODUCT;

export class Inverse {
  /** out = 1 / x of the low lane, in both lanes; not settled. */
  static of(out: usize, x: usize): void {
    const bytes = SCRATCH + BYTES;
    Field.store(bytes, x);
    invert(bytes, bytes);
    Field.load(out, bytes);
    Field.load(out + 8, bytes);
    memory.fill(bytes, 0, 32);
  }

  /** out = 1 / x, each lane its own, by one inversion; x is not zero, and not out. */
  static ofLanes(out: usize, x: usize): void {
    const product = SCRATCH + PRODUCT;
    Inverse.swapLanes(product, x);
    Field.multiply(product, product, x);
    Inverse.of(out, product);
    Inverse.swapLanes(product, x);
    Field.multiply(out, out, product);
    memory.fill(product, 0, PAIR_BYTES);
  }

  /**
   * Each of `count` pairs = its inverse, ready to be multiplied by a sum of two, where both of its lanes are the same and none is zero: by one
   * inversion (Montgomery's trick).
   * @param products  of all up to each, as many pairs
   */
  static ofAll(values: usize, count: i32, products: usize): void {
    const rest = products + PAIR_BYTES * (count - 1);
    memory.copy(products, values, PAIR_BYTES);
    for (let at: usize = PAIR_BYTES; at < PAIR_BYTES * count; at += PAIR_BYTES) {
      Field.multiply(products + at, products + at - PAIR_BYTES, values + at);
    }
    Inverse.of(rest, rest);
    Field.settle(rest); // for where it is the only one, and nothing else multiplied it
    for (let at: usize = PAIR_BYTES * (count - 1); at > 0; at -= PAIR_BYTES) {
      const product = products + at - PAIR_BYTES;
      Field.multiply(product, product, rest);
      Field.multiply(rest, rest, values + at);
      memory.copy(values + at, product, PAIR_BYTES);
    }
    memory.copy(values, rest, PAIR_BYTES);
  }

  @inline static swapLanes(to: usize, from: usize): void {
    for (let i: usize = 0; i < Field.bytes; i += 16) {
      const pair = v128.load(from + i);
      v128.store(to + i, v128.shuffle<i64>(pair, pair, 1, 0));
    }
  }
}
