/**
 * What handshakes will need, computed ahead a little at a time: for when there is nothing else to do. First each peer's static-static secret, then
 * tables of their keys, which count where many shake hands at once.
 */
import type { CoreExports } from "../core/core.ts";

/** Peers that are looked after in one turn: 0.1 ms, of either kind, where multiply-add is fused, 0.2 ms elsewhere, and on slower machines more. */
const PER_TURN = 4;
/** With fewer peers a table would hardly ever serve again what it took to make, least of all V8's compiler's memory. */
const PEERS_WITH_TABLES = 16;

export class Preparation {
  /** Peers below this slot, at least, have their secret. */
  #secrets = 0;
  /** And those below this one their table. */
  #tables = 0;

  /** There is another private key. */
  forgetSecrets(): void {
    this.#secrets = 0;
  }

  /** There is a new peer in this slot. */
  add(slot: number): void {
    this.#secrets = Math.min(this.#secrets, slot);
    this.#tables = Math.min(this.#tables, slot);
  }

  /**
   * There is a private key.
   * @param bySlot the peers, undefined where a slot is free  @param count how many there are
   * @returns whether there is more to do
   */
  step(exports: CoreExports, bySlot: readonly (object | undefined)[], count: number): boolean {
    const tables = count >= PEERS_WITH_TABLES;
    if (this.#secrets < bySlot.length) {
      const [slots, next] = taken(bySlot, this.#secrets);
      this.#secrets = next;
      prepareSecrets(exports, slots);
    } else if (tables && this.#tables < bySlot.length) {
      const [slots, next] = taken(bySlot, this.#tables);
      this.#tables = next;
      for (let i = 0; i < slots.length; i += 2) exports.makeCombs(slots[i]!, slots[i + 1] ?? slots[i]!);
    }
    return this.#secrets < bySlot.length || (tables && this.#tables < bySlot.length);
  }
}

function prepareSecrets(exports: CoreExports, slots: readonly number[]): void {
  const [first, second, third, fourth] = slots;
  if (fourth !== undefined) exports.precomputeFour(first!, second!, third!, fourth);
  else for (const slot of slots) exports.precompute(slot);
}

/** @returns the next slots that are taken, and where to go on */
function taken(bySlot: readonly (object | undefined)[], from: number): [slots: number[], next: number] {
  const slots: number[] = [];
  let next = from;
  for (; slots.length < PER_TURN && next < bySlot.length; next++) if (bySlot[next] !== undefined) slots.push(next);
  return [slots, next];
}
