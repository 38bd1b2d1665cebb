/**
 * Tables of the ephemeral keys of initiations that wait, which two private keys of ours are multiplied with: the static one before the message can be
 * opened, es, and the fresh one of the answer, ee (crypto/comb-fresh.ts). Nothing here is secret.
 * Memory: `fresh`, the keys of two pairs, and the tables of each; none where an embedded device has no room, as for noise/combs.ts. Tables
 * serve the keys that are named there only.
 * Thread 0 alone calls these.
 */

import { FRESH_BYTES, makeFresh } from "../crypto/comb-fresh";
import { equal } from "../crypto/constant-time";
import { Field } from "../crypto/field";
import { FourLadders } from "../crypto/x25519-four";
import { FRESH_PLACES_BYTES, fresh } from "../memory/layout";

const CREDIT = 8;
const TRIED_ANYWAY = 16;
const PLACES: usize = 2;
const KEYS_BYTES: usize = 64; // of a place; zero for none
const TABLES: usize = KEYS_BYTES * PLACES;
if (TABLES + FRESH_BYTES * PLACES !== FRESH_PLACES_BYTES) ERROR("the places are not laid out as layout.ts says");

/**
 * Whether making tables pays: that takes a quarter more than ladders would for es, and if they serve for ee twice as much is spared. So forged initiations do
 * not cost more for long.
 */
class Credit {
  static left: i32 = CREDIT;
  static refused: i32 = 0;

  /** With nothing left one in so many is tried all the same. */
  static spend(): bool {
    if (Credit.left > 0) {
      Credit.left--;
      return true;
    }
    Credit.refused = (Credit.refused + 1) % TRIED_ANYWAY;
    return Credit.refused === 0;
  }

  static earn(): void {
    Credit.left = min(Credit.left + 2, CREDIT);
  }
}

export class Fresh {
  /** Not where four ladders side by side take less, or there is no room. */
  @inline static get useful(): bool {
    return Field.inFive && fresh !== 0 && !FourLadders.sideBySide;
  }

  @inline private static keys(number: usize): usize {
    return fresh + KEYS_BYTES * number;
  }
  @inline private static tables(number: usize): usize {
    return fresh + TABLES + FRESH_BYTES * number;
  }

  /** @returns the tables of both keys; 0 if there are none */
  static make(number: usize, one: usize, other: usize): usize {
    if (!Fresh.useful || !Credit.spend() || !makeFresh(Fresh.tables(number), one, other)) return 0;
    const keys = Fresh.keys(number);
    memory.copy(keys, one, 32);
    memory.copy(keys + 32, other, 32);
    return Fresh.tables(number);
  }

  /** For an answer. @returns the tables of both keys, which are not zero; 0 if there are none */
  static of(one: usize, other: usize): usize {
    if (!Fresh.useful) return 0;
    for (let number: usize = 0; number < PLACES; number++) {
      const keys = Fresh.keys(number);
      if (!equal(keys, one, 32) || !equal(keys + 32, other, 32)) continue;
      Credit.earn();
      return Fresh.tables(number);
    }
    return 0;
  }

  static forget(): void {
    if (Fresh.useful) memory.fill(fresh, 0, TABLES);
  }
}
