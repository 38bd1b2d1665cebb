// What the stack's benchmark makes of its measurements: ratios paired by seed, goals, clients against ours.
import { expect, test } from "vitest";
import type { ClientsPart, LinkPart, NetResults } from "../../bench/net/results.ts";
import { linkFigures, verdicts } from "../../bench/net/summary.ts";

const WHEN = { date: "", command: "", load: [0, 0], seconds: 1 } as const;
const TITLES = { lossy: "lossy" };

function link(...pairs: [linux: number, stack: number][]): LinkPart {
  const runs = pairs.map(([linuxMegabits, stackMegabits], seed) => ({ seed, linuxMegabits, stackMegabits }));
  return { ...WHEN, row: "lossy", runs };
}

test("the ratio to Linux is that of each seed, not of the medians", () => {
  const { linux, stack, ratio } = linkFigures(link([10, 20], [20, 20], [40, 20]));
  expect([linux.median, stack.median]).toEqual([20, 20]);
  expect(ratio).toEqual({ median: 1, low: 0.5, high: 2 });
});

test("a goal is met at its bound, and missed below", () => {
  const met = (stack: number) => verdicts({ links: [link([10, stack])] }, TITLES).map((one) => one.met);
  expect([met(9), met(8.99)]).toEqual([[true], [false]]);
});

test("what was not measured has no goal", () => {
  const results: NetResults = {};
  expect(verdicts(results, TITLES)).toEqual([]);
});

test("a client of ours has to be faster, and to take less time of the processor", () => {
  const clients: ClientsPart["clients"] = [
    { name: "a", kind: "ours" },
    { name: "b", kind: "theirs" },
  ];
  const run = (client: string, megabits: number, cpuSecondsPerGigabyte: number) =>
    ({ client, direction: "up", megabits, cpuSecondsPerGigabyte, peakBytes: 0 }) as const;
  const part: ClientsPart = { ...WHEN, clients, runs: [run("a", 200, 5), run("b", 100, 4)] };
  expect(verdicts({ clients: part }, TITLES).map(({ measured, met }) => [measured, met])).toEqual([
    ["2.00×", true],
    ["1.25×", false],
  ]);
});
