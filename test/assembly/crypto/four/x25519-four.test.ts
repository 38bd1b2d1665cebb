// Four X25519 at once, by pairs of ladders in both builds and by the kernel: noble's results, and zero for points of small order alone.
import { randomBytes } from "node:crypto";
import { x25519 as noble } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, test } from "vitest";
import { ladderKernelBytes } from "../../../../host/core/ladders.ts";
import { cpuFlags } from "../../../../host/os/linux/cpu-flags.ts";
import { machine } from "../../../../host/platform.ts";
import wycheproof from "../../../vectors/wycheproof-x25519.json" with { type: "json" };
import vectors from "../../../vectors/x25519.json" with { type: "json" };
import { compileShared } from "../compile.ts";

interface Exports {
  readonly table: WebAssembly.Table;
  scratch(): number;
  area(): number;
  checkLadders(area: number, place: number): number;
  x25519Four(out: number, scalar: number, otherScalar: number, points: number): number;
  readonly tableBytes: WebAssembly.Global;
  readonly freshBytes: WebAssembly.Global;
  makeFresh(tables: number, one: number, other: number): number;
  x25519Fresh(out: number, scalar: number, tables: number): void;
  makeTables(count: number, table: number, point: number, other: number, otherPoint: number): number;
  x25519Answer(publicKey: number, out: number, scalar: number, one: number, other: number, comb: number): number;
  x25519Answers(
    ...pointers: readonly [keys: number, out: number, scalar: number, other: number, points: number, ...combs: number[]]
  ): number;
}

const SECRET_SCRATCH_BYTES = 40_960;
const CLEAN = Buffer.alloc(SECRET_SCRATCH_BYTES);
const fuses = machine() === "aarch64" || cpuFlags().has("fma");

async function climbOf(memory: WebAssembly.Memory): Promise<(area: number) => void> {
  const { instance } = await WebAssembly.instantiate(await ladderKernelBytes(), { env: { memory } });
  return instance.exports.climb as (area: number) => void;
}

const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

const publicKeys = new Map<string, string>();
/** By noble, once for each. */
function publicKeyOf(scalar: Uint8Array): string {
  const known = publicKeys.get(hex(scalar)) ?? hex(noble.scalarMultBase(scalar));
  publicKeys.set(hex(scalar), known);
  return known;
}

/** With the kernel: by noble's word, the core's own check has passed it. */
const WAYS = [
  { build: "simd", kernel: "none" },
  { build: "relaxed", kernel: "none" },
  ...(fuses ? [{ build: "relaxed", kernel: "used" } as const] : []),
] as const;

describe.each(WAYS)("$build build, kernel $kernel", ({ build, kernel }) => {
  let module: Exports;
  let memory: Uint8Array;

  beforeAll(async () => {
    const made = await compileShared<Exports>("four/entry.ts", build);
    module = made.exports;
    if (kernel === "used") {
      const place = module.table.grow(1, await climbOf(made.memory));
      expect(module.checkLadders(module.area(), place)).toBe(1);
    }
    memory = new Uint8Array(made.memory.buffer);
  });

  /** Everything at odd addresses. */
  function place(scalars: Uint8Array[], points: Uint8Array[]) {
    const [scalar, other, out, keys] = [1, 67, 301, 501].map((offset) => module.area() + offset) as [
      number,
      number,
      number,
      number,
    ];
    memory.set(scalars[0]!, scalar);
    memory.set(scalars[1]!, other);
    points.forEach((point, i) => {
      memory.set(point, module.area() + 133 + 32 * i);
    });
    return { scalar, other, out, keys, points: module.area() + 133 };
  }

  function results(out: number, shared: number): (string | undefined)[] {
    const scratch = memory.subarray(module.scratch(), module.scratch() + SECRET_SCRATCH_BYTES);
    expect(CLEAN.equals(scratch)).toBe(true);
    return [0, 1, 2, 3].map((lane) => {
      const result = hex(memory.slice(out + 32 * lane, out + 32 * lane + 32));
      if ((shared >> lane) & 1) return result;
      expect(result).toBe("00".repeat(32));
      return undefined;
    });
  }

  /** Alone, with the public keys, and each half as the answer that it is: all ways must agree. */
  function multiply(scalars: Uint8Array[], points: Uint8Array[]): (string | undefined)[] {
    const at = place(scalars, points);
    const alone = results(at.out, module.x25519Four(at.out, at.scalar, at.other, at.points));
    const fresh = freshOf(at.points);
    for (const combs of [[0, 0], tablesOf(at.points)] as const) {
      let keys: string[] = [];
      for (const first of fresh ? [0, fresh] : [0]) {
        memory.fill(0xee, at.keys, at.keys + 64);
        const shared = module.x25519Answers(at.keys, at.out, at.scalar, at.other, at.points, first, ...combs);
        expect(results(at.out, shared)).toEqual(alone);
        keys = [0, 1].map((i) => hex(memory.slice(at.keys + 32 * i, at.keys + 32 * i + 32)));
        expect(keys).toEqual(scalars.map(publicKeyOf));
      }
      for (const [half, scalar] of [at.scalar, at.other].entries()) {
        const points = at.points + 64 * half;
        const answer = module.x25519Answer(at.keys, at.out, scalar, points, points + 32, combs[half]!);
        expect(results(at.out, answer | 12).slice(0, 2)).toEqual(alone.slice(2 * half, 2 * half + 2));
        expect(hex(memory.slice(at.keys, at.keys + 32))).toBe(keys[half]);
      }
    }
    if (fresh) {
      for (const [half, scalar] of [at.scalar, at.other].entries()) {
        module.x25519Fresh(at.out, scalar, fresh);
        expect(results(at.out, 15)[half]).toBe(alone[2 * half]);
      }
    }
    return alone;
  }

  /** Of the first and of the third point; 0 where one has none. */
  function freshOf(points: number): number {
    const tables = (module.area() + 8192 + 15) & ~15;
    const made = module.makeFresh(tables, points, points + 64);
    results(points, 15); // all is wiped
    return made ? tables : 0;
  }

  /** Of the second and of the fourth point; 0 where there is none. */
  function tablesOf(points: number): [number, number] {
    const bytes = module.tableBytes.value;
    const first = (module.area() + 1024 + 15) & ~15;
    const made = module.makeTables(1, first, points + 32, first + bytes, points + 96);
    return [made & 1 ? first : 0, made & 2 ? first + bytes : 0];
  }

  const expected = (scalars: Uint8Array[], points: Uint8Array[]) =>
    points.map((point, i) => hex(noble.scalarMult(scalars[i >> 1]!, point)));
  const four = () => Array.from({ length: 4 }, () => Uint8Array.from(randomBytes(32)));

  test("agrees with noble", () => {
    for (let i = 0; i < 50; i++) {
      const scalars = four().slice(2);
      const points = four();
      expect(multiply(scalars, points)).toEqual(expected(scalars, points));
    }
  });

  test("points on the curve have tables of their own, those of the twist and of small order have none", () => {
    const good = four().map((scalar) => noble.scalarMultBase(scalar));
    const fresh = (points: Uint8Array[]) => freshOf(place(four(), points).points) !== 0;
    expect(fresh(good)).toBe(build === "relaxed" && fuses);
    const bad = [new Uint8Array(32).fill(2, 0, 1), ...vectors.smallOrder.map(bytesOf)];
    for (const point of bad) {
      expect(fresh([point, ...good.slice(1)])).toBe(false);
      expect(fresh([good[0]!, good[1]!, point, good[3]!])).toBe(false);
    }
    // Whatever else there are tables of.
    for (let i = 0; i < 20; i++) {
      const scalars = four().slice(2);
      const points = four().map((scalar, lane) => (lane === 3 && i % 2 ? bad[0]! : noble.scalarMultBase(scalar)));
      expect(multiply(scalars, points)).toEqual(expected(scalars, points));
    }
  });

  test("of extreme scalars and points", () => {
    const fills = [0, 1, 8, 0x77, 0x88, 0xff].map((byte) => new Uint8Array(32).fill(byte));
    for (const scalar of fills) {
      for (const other of fills) {
        const points = [...fills.slice(2), other].slice(0, 4);
        expect(multiply([scalar, other], points)).toEqual(expected([scalar, other], points));
      }
    }
  });

  test("the vectors of RFC 7748", () => {
    for (const { scalar, u, result } of vectors.scalarMult) {
      const [key, point] = [bytesOf(scalar), bytesOf(u)];
      expect(multiply([key, key], [point, point, point, point])).toEqual(Array(4).fill(result));
    }
  });

  test("and its iterations", () => {
    const wanted = new Map(vectors.iterated.map(({ times, result }) => [times, result]));
    const seen: number[] = [];
    let [scalar, point] = [new Uint8Array(32).fill(9, 0, 1), new Uint8Array(32).fill(9, 0, 1)];
    for (let times = 1; times <= 1000; times++) {
      const at = place([scalar, scalar], [point, point, point, point]);
      const all = results(at.out, module.x25519Four(at.out, at.scalar, at.other, at.points));
      expect(new Set(all).size).toBe(1);
      [scalar, point] = [bytesOf(all[0]!), scalar];
      if (!wanted.has(times)) continue;
      expect(all[0]).toBe(wanted.get(times));
      seen.push(times);
    }
    expect(seen).toEqual([1, 1000]);
  });

  test("all of Wycheproof's, each in every lane", () => {
    const all = (wycheproof.x25519 as [number, ...string[]][]).map(([number, , scalar, point, shared]) => ({
      number,
      scalar: bytesOf(scalar!),
      point: bytesOf(point!),
      result: shared === "00".repeat(32) ? undefined : shared,
    }));
    expect(all).toHaveLength(518);
    for (let i = 0; i < all.length; i += 2) {
      const [one, other] = [all[i]!, all[i + 1]!];
      for (const [first, second] of [
        [one, other],
        [other, one],
      ] as const) {
        const points = [first.point, first.point, second.point, second.point];
        const expected = [first.result, first.result, second.result, second.result];
        expect(multiply([first.scalar, second.scalar], points), `${first.number}, ${second.number}`).toEqual(expected);
      }
    }
  });

  test.each(vectors.smallOrder)(
    "the small-order point %s is refused, and harms the others' results in nothing",
    (text) => {
      const small = bytesOf(text);
      const scalars = four().slice(2);
      const good = four();
      const wanted = expected(scalars, good);
      for (let refused = 1; refused < 16; refused++) {
        const is = (lane: number) => ((refused >> lane) & 1) === 1;
        const points = good.map((point, lane) => (is(lane) ? small : point));
        expect(multiply(scalars, points)).toEqual(wanted.map((result, lane) => (is(lane) ? undefined : result)));
      }
    },
  );
});

test.each(fuses ? (["relaxed"] as const) : [])(
  "a kernel that does something else is not used: %s build",
  async (build) => {
    const { exports, memory } = await compileShared<Exports>("four/entry.ts", build);
    const elsewhere = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
    const place = exports.table.grow(1, await climbOf(elsewhere));
    expect(exports.checkLadders(exports.area(), place)).toBe(0);
    const at = exports.area();
    const bytes = new Uint8Array(memory.buffer);
    bytes.fill(9, at + 200, at + 360);
    expect(exports.x25519Four(at, at + 200, at + 200, at + 232)).toBe(15);
    const nines = new Uint8Array(32).fill(9);
    expect(bytes.slice(at, at + 32)).toEqual(noble.scalarMult(nines, nines));
  },
);

test("where multiply-add is not fused there is no use for the kernel", async () => {
  const { exports, memory } = await compileShared<Exports>("four/entry.ts", "simd");
  const place = exports.table.grow(1, await climbOf(memory));
  expect(exports.checkLadders(exports.area(), place)).toBe(0);
});
