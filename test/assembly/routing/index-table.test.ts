// The table of receiver indices against a Map.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadTransportCore, type TransportCore } from "../transport/core.ts";

const PEERS = 4;
const SLOTS = 32; // 8 for each peer, so that half stay empty
const NOBODY = 0xffffffff;
let core: TransportCore;

beforeAll(async () => {
  ({ core } = await loadTransportCore(PEERS, 16));
});

const find = (index: number): number => core.findIndex(index) >>> 0;

describe("index table", () => {
  it("indices that want the same place are all found, also around the end", () => {
    const indices = [31, 63, 95, 0x8000001f, 0xffffffff, 0];
    for (const [owner, index] of indices.entries()) expect(core.insertIndex(index, owner)).toBe(1);
    expect(indices.map(find)).toEqual([0, 1, 2, 3, 4, 5]);
    core.removeIndex(63);
    core.removeIndex(31);
    expect(indices.map(find)).toEqual([NOBODY, NOBODY, 2, 3, 4, 5]);
    for (const index of indices) core.removeIndex(index);
    expect(indices.map(find)).toEqual(indices.map(() => NOBODY));
  });

  it("an index is claimed once and may change its owner", () => {
    expect(core.insertIndex(7, 4)).toBe(1);
    expect(core.insertIndex(7, 8)).toBe(0);
    core.setIndexOwner(7, 5);
    core.setIndexOwner(8, 9);
    expect([find(7), find(8)]).toEqual([5, NOBODY]);
    core.removeIndex(7);
  });

  it("agrees with a Map", () => {
    // Few homes, so that runs of neighbours form and close again.
    const index = fc.tuple(fc.constantFrom(0, 1, 29, 30, 31), fc.nat(3)).map(([home, lap]) => home + SLOTS * lap);
    const action = fc.record({
      index,
      owner: fc.nat(1000),
      what: fc.constantFrom("insert", "insert", "remove", "own"),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const model = new Map<number, number>();
        for (const { index, owner, what } of actions) {
          if (what === "insert" && (model.size < SLOTS / 2 || model.has(index))) {
            expect(core.insertIndex(index, owner)).toBe(model.has(index) ? 0 : 1);
            if (!model.has(index)) model.set(index, owner);
          } else if (what === "remove") {
            core.removeIndex(index);
            model.delete(index);
          } else if (what === "own") {
            core.setIndexOwner(index, owner);
            if (model.has(index)) model.set(index, owner);
          }
          for (let home = 0; home < SLOTS * 4; home++) expect(find(home)).toBe(model.get(home) ?? NOBODY);
        }
        for (const index of model.keys()) core.removeIndex(index);
      }),
      { numRuns: 60 },
    );
  });
});
