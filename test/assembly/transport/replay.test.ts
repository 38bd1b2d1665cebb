// The replay window against a set of all counters seen, and at its edges.
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadTransportCore, type TransportCore } from "./core.ts";

const WINDOW = 8128n;
const REJECT_AFTER_MESSAGES = 2n ** 64n - 1n - WINDOW - 1n;
let core: TransportCore;

beforeAll(async () => {
  ({ core } = await loadTransportCore(4, 16));
});
beforeEach(() => core.clearWindow());

const accepted = (...counters: bigint[]): boolean[] => counters.map((counter) => core.accept(counter) === 1);

/** All that is known: what was seen, and the highest. */
class Model {
  readonly #seen = new Set<bigint>();
  #highest = 0n;

  accept(counter: bigint): boolean {
    if (counter >= REJECT_AFTER_MESSAGES || counter + WINDOW < this.#highest || this.#seen.has(counter)) return false;
    this.#seen.add(counter);
    if (counter > this.#highest) this.#highest = counter;
    return true;
  }
}

describe("replay window", () => {
  it("takes each counter once", () => {
    expect(accepted(0n, 1n, 1n, 9n, 8n, 7n, 7n, 8n, 9n, 0n)).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("takes what is 8128 late, and nothing later", () => {
    expect(accepted(20_000n, 20_000n - WINDOW, 20_000n - WINDOW - 1n)).toEqual([true, true, false]);
  });

  it("forgets nothing when it slides by single words", () => {
    for (let counter = 0n; counter < 3n * WINDOW; counter += 63n) expect(core.accept(counter)).toBe(1);
    for (let counter = 3n * WINDOW - ((3n * WINDOW) % 63n); counter > 2n * WINDOW; counter -= 63n) {
      if (counter < 3n * WINDOW) expect(core.accept(counter)).toBe(0);
    }
  });

  it("a leap of more than the ring leaves no old bit behind", () => {
    for (let counter = 0n; counter < 8192n; counter++) core.accept(counter);
    const far = 8192n * 1000n;
    expect(core.accept(far)).toBe(1);
    for (let counter = far - WINDOW; counter < far; counter++) expect(core.accept(counter)).toBe(1);
    for (let counter = far - WINDOW; counter <= far; counter++) expect(core.accept(counter)).toBe(0);
  });

  it("ends at the reject limit", () => {
    expect(accepted(REJECT_AFTER_MESSAGES, REJECT_AFTER_MESSAGES - 1n, 2n ** 64n - 1n)).toEqual([false, true, false]);
    expect(accepted(REJECT_AFTER_MESSAGES - 1n, REJECT_AFTER_MESSAGES - 2n)).toEqual([false, true]);
  });

  it("takes counters from the top of the window down, each once", () => {
    for (let counter = WINDOW; ; counter--) {
      expect(core.accept(counter)).toBe(1);
      if (counter === 0n) break;
    }
    expect(core.accept(0n)).toBe(0);
  });

  it("agrees with a set on random walks", () => {
    const step = fc.oneof(
      fc.bigInt({ min: -20n, max: 20n }),
      fc.bigInt({ min: -9_000n, max: 200n }),
      fc.bigInt({ min: -9_000n, max: 20_000n }),
      fc.constantFrom(-WINDOW, -WINDOW - 1n, -WINDOW + 1n, 64n, 8192n),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.boolean(), (steps, nearTheEnd) => {
        core.clearWindow();
        const model = new Model();
        let at = nearTheEnd ? REJECT_AFTER_MESSAGES - 10_000n : 0n;
        for (const by of steps) {
          const sum = at + by;
          const counter = sum < 0n ? 0n : sum >= 2n ** 64n ? 2n ** 64n - 1n : sum;
          expect(core.accept(counter) === 1).toBe(model.accept(counter));
          if (counter > at) at = counter;
        }
      }),
      { numRuns: 300 },
    );
  });
});
