// The trie of allowed IPs against a plain list, for both address families.
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadTransportCore, type TransportCore } from "../transport/core.ts";

const PEERS = 4;
const NODES = 64;
let core: TransportCore;

interface Prefix {
  family: 4 | 6;
  address: bigint;
  length: number;
}

const width = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/** As the core wants it: IPv4 in the top bits. */
function halves({ family, address }: { family: 4 | 6; address: bigint }): [bigint, bigint] {
  const whole = family === 4 ? address << 96n : address;
  return [BigInt.asIntN(64, whole >> 64n), BigInt.asIntN(64, whole)];
}

function masked({ family, address, length }: Prefix): bigint {
  const rest = BigInt(width(family) - length);
  return (address >> rest) << rest;
}

/** One entry after the other, oldest first. */
class List {
  entries: (Prefix & { peer: number })[] = [];

  #at(prefix: Prefix): number {
    return this.entries.findIndex(
      (entry) => entry.family === prefix.family && entry.length === prefix.length && masked(entry) === masked(prefix),
    );
  }

  insert(prefix: Prefix, peer: number): void {
    const at = this.#at(prefix);
    if (at >= 0) this.entries.splice(at, 1);
    this.entries.push({ ...prefix, address: masked(prefix), peer });
  }

  remove(prefix: Prefix, peer: number): void {
    const at = this.#at(prefix);
    if (at >= 0 && this.entries[at]!.peer === peer) this.entries.splice(at, 1);
  }

  removeAll(peer: number): void {
    this.entries = this.entries.filter((entry) => entry.peer !== peer);
  }

  lookup(family: 4 | 6, address: bigint): number {
    let best: (Prefix & { peer: number }) | undefined;
    for (const entry of this.entries) {
      if (entry.family !== family || masked({ ...entry, address }) !== entry.address) continue;
      if (best === undefined || entry.length > best.length) best = entry;
    }
    return best?.peer ?? -1;
  }
}

const insert = (prefix: Prefix, peer: number): boolean =>
  core.insertRoute(prefix.family, ...halves(prefix), prefix.length, peer) === 1;
const remove = (prefix: Prefix, peer: number): void =>
  core.removeRoute(prefix.family, ...halves(prefix), prefix.length, peer);
const lookup = (family: 4 | 6, address: bigint): number => core.lookup(family, ...halves({ family, address }));

function listed(peer: number): Prefix[] {
  const prefixes: Prefix[] = [];
  for (let route = core.firstRoute(peer); route !== 0; route = core.nextRoute(route)) {
    const kind = core.routeKind(route);
    const family = (kind >>> 8) as 4 | 6;
    const whole = (BigInt.asUintN(64, core.routeHigh(route)) << 64n) | BigInt.asUintN(64, core.routeLow(route));
    prefixes.push({ family, address: family === 4 ? whole >> 96n : whole, length: kind & 255 });
  }
  return prefixes;
}

beforeAll(async () => {
  ({ core } = await loadTransportCore(PEERS, NODES));
});
beforeEach(() => {
  for (let peer = 0; peer < PEERS; peer++) core.removeRoutes(peer);
});

const v4 = (a: number, b: number, c: number, d: number, length: number): Prefix => ({
  family: 4,
  address: BigInt((a << 24) | (b << 16) | (c << 8) | d) & 0xffffffffn,
  length,
});

describe("allowed IPs", () => {
  it("the longest prefix wins, whatever the order", () => {
    for (const [prefix, peer] of [
      [v4(10, 1, 0, 0, 16), 1],
      [v4(0, 0, 0, 0, 0), 0],
      [v4(10, 1, 2, 3, 32), 3],
      [v4(10, 1, 2, 0, 24), 2],
    ] as const) {
      insert(prefix, peer);
    }
    const at = (a: number, b: number, c: number, d: number): number => lookup(4, v4(a, b, c, d, 32).address);
    expect([at(10, 1, 2, 3), at(10, 1, 2, 4), at(10, 1, 3, 3), at(10, 2, 2, 3)]).toEqual([3, 2, 1, 0]);
    expect(lookup(6, 0n)).toBe(-1);
  });

  it("a prefix that is given to another peer leaves the first", () => {
    insert(v4(10, 0, 0, 0, 8), 0);
    insert(v4(10, 9, 9, 9, 8), 1);
    expect(lookup(4, v4(10, 4, 4, 4, 32).address)).toBe(1);
    expect([listed(0), listed(1)]).toEqual([[], [v4(10, 0, 0, 0, 8)]]);
  });

  it("only the owner of a prefix removes it", () => {
    insert(v4(10, 0, 0, 0, 8), 0);
    remove(v4(10, 0, 0, 0, 8), 1);
    remove(v4(10, 0, 0, 0, 9), 0);
    expect(listed(0)).toHaveLength(1);
    remove(v4(10, 0, 0, 0, 8), 0);
    expect(listed(0)).toEqual([]);
    expect(lookup(4, v4(10, 0, 0, 1, 32).address)).toBe(-1);
  });

  it("a walk goes on along the thief's list when its prefix is stolen, and ends", () => {
    for (let i = 0; i < 5; i++) insert(v4(10, 0, 0, i, 32), 0);
    insert(v4(10, 0, 1, 0, 32), 1);
    let route = core.nextRoute(core.firstRoute(0));
    insert(v4(10, 0, 0, 1, 32), 1);
    let steps = 0;
    while (route !== 0 && steps <= NODES) {
      route = core.nextRoute(route);
      steps += 1;
    }
    expect(steps).toBe(1);
    expect(listed(0)).toHaveLength(4);
  });

  it("a full table refuses, changes nothing, and takes again what was given back", () => {
    const scattered = (i: number): Prefix => v4(10, i, 0, 1, 32);
    let count = 0;
    while (insert(scattered(count), count % PEERS)) count += 1;
    expect(count).toBeGreaterThanOrEqual(NODES / 2);
    expect(lookup(4, scattered(count).address)).toBe(-1);
    for (let i = 0; i < count; i++) expect(lookup(4, scattered(i).address)).toBe(i % PEERS);
    remove(scattered(1), 1);
    expect(insert(scattered(1), 2)).toBe(true);
    for (let peer = 0; peer < PEERS; peer++) core.removeRoutes(peer);
    for (let i = 0; i < count; i++) expect(insert(scattered(i), 0)).toBe(true);
  });

  it("agrees with a list, in routing and in listing", () => {
    // Addresses that share long beginnings, so that the trie branches everywhere.
    const address = (family: 4 | 6): fc.Arbitrary<bigint> => {
      const bits = width(family);
      const top = fc.bigInt({ min: 0n, max: 7n }).map((value) => value << BigInt(bits - 3));
      const low = fc.bigInt({ min: 0n, max: 15n });
      const middle = fc.bigInt({ min: 0n, max: 3n }).map((value) => value << BigInt(bits / 2 - 1));
      return fc.tuple(top, middle, low).map(([a, b, c]) => a | b | c);
    };
    const family = fc.constantFrom<4 | 6>(4, 6);
    const prefix = family.chain((kind) =>
      fc.record({
        family: fc.constant(kind),
        address: address(kind),
        length: fc.oneof(fc.nat(width(kind)), fc.constantFrom(0, 1, width(kind) / 2, width(kind) - 1, width(kind))),
      }),
    );
    const action = fc.record({
      prefix,
      peer: fc.nat(PEERS - 1),
      what: fc.constantFrom("insert", "insert", "insert", "remove", "removeAll"),
    });
    const probe = family.chain((kind) => fc.record({ family: fc.constant(kind), address: address(kind) }));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.array(probe, { minLength: 30 }), (actions, probes) => {
        for (let peer = 0; peer < PEERS; peer++) core.removeRoutes(peer);
        const list = new List();
        for (const { prefix, peer, what } of actions) {
          if (what === "insert") {
            if (insert(prefix, peer)) list.insert(prefix, peer);
          } else if (what === "remove") {
            remove(prefix, peer);
            list.remove(prefix, peer);
          } else {
            core.removeRoutes(peer);
            list.removeAll(peer);
          }
        }
        for (const { family, address } of probes) expect(lookup(family, address)).toBe(list.lookup(family, address));
        for (let peer = 0; peer < PEERS; peer++) {
          const expected = list.entries.filter((entry) => entry.peer === peer);
          expect(listed(peer)).toEqual(expected.map(({ family, address, length }) => ({ family, address, length })));
        }
      }),
      { numRuns: 400 },
    );
  });
});
