// What the tunnel benchmark makes of its measurements: medians, ratios paired by repetition, losses by place, goals.
import { expect, test } from "vitest";
import { difference, type LossCounters } from "../../bench/tunnel/counters.ts";
import type { Drops, Measurement, TunnelResults } from "../../bench/tunnel/results.ts";
import { figure, losses, median, ratio } from "../../bench/tunnel/summary.ts";
import { verdicts } from "../../bench/tunnel/targets.ts";

const OURS = "wasmguard, Node 26";
const WIDE = "wasmguard, Node 26, wide vectors";
const DEBIAN = "wireguard-go 0.0.20220316";
const NEWEST = "wireguard-go 0.0.20250522";
const NO_DROPS: Drops = {
  nearTun: 0,
  nearSendBuffer: 0,
  link: 0,
  farSocket: 0,
  farTun: 0,
  farBufferErrors: 0,
  daemons: {},
};

function measurement(program: string, repetition: number, more: Partial<Measurement>): Measurement {
  return {
    program,
    repetition,
    test: "tcp1",
    bytes: 1e9,
    nearCpu: 1,
    farCpu: 1,
    nearPeakBytes: 0,
    farPeakBytes: 0,
    machineCpu: 4,
    stealPercent: 0,
    drops: NO_DROPS,
    ...more,
  };
}

function results(traffic: Measurement[]): TunnelResults {
  return {
    date: "",
    command: "",
    machine: { cpu: "", cores: 2, memoryGiB: 1, kernel: "", system: "" },
    load: [0, 0],
    seconds: 1,
    pacedMegabits: 100,
    programs: [
      { name: OURS, kind: "ours", version: "26" },
      { name: DEBIAN, kind: "theirs", version: "0.0.20220316" },
    ],
    iperf: "",
    traffic,
    peers: [],
    handshakes: [],
    start: [],
  };
}

test("the median of an even number of values lies between the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([])).toBeUndefined();
});

test("ratios compare what ran in the same repetition", () => {
  // The machine was three times as busy in the second one: paired, both say 5.
  const traffic = [
    measurement(OURS, 1, { megabits: 3000 }),
    measurement(DEBIAN, 1, { megabits: 600 }),
    measurement(OURS, 2, { megabits: 1000 }),
    measurement(DEBIAN, 2, { megabits: 200 }),
  ];
  expect(ratio(results(traffic), OURS, DEBIAN, "tcp1", "megabits")).toEqual({ median: 5, low: 5, high: 5 });
});

test("a repetition in which one of the two failed does not count", () => {
  const traffic = [
    measurement(OURS, 1, { megabits: 3000 }),
    measurement(DEBIAN, 1, { failed: "no ping" }),
    measurement(OURS, 2, { megabits: 1000 }),
    measurement(DEBIAN, 2, { megabits: 500 }),
  ];
  expect(ratio(results(traffic), OURS, DEBIAN, "tcp1", "megabits")?.median).toBe(2);
  expect(figure(results(traffic), DEBIAN, "tcp1", "megabits")?.median).toBe(500);
});

test("CPU time is per gigabyte that arrived, of both ends", () => {
  const traffic = [measurement(OURS, 1, { bytes: 2e9, nearCpu: 3, farCpu: 1 })];
  expect(figure(results(traffic), OURS, "tcp1", "cpu")?.median).toBe(2);
});

test("lost datagrams that no counter claims were lost at the receiving program's socket", () => {
  const drops = { ...NO_DROPS, nearTun: 40, farSocket: 10 };
  const traffic = [measurement(OURS, 1, { test: "udp", sent: 200, lost: 80, drops })];
  expect(losses(results(traffic), OURS)).toMatchObject({ nearTun: 20, farSocket: 5, link: 0, receiver: 15 });
});

test("of the daemons' own counters only those that moved are kept", () => {
  const before: LossCounters = { ...NO_DROPS, nearTun: 5, daemons: { replay: 3, short: 1 } };
  const after: LossCounters = { ...NO_DROPS, nearTun: 9, daemons: { replay: 3, short: 4 } };
  expect(difference(before, after)).toEqual({ ...NO_DROPS, nearTun: 4, daemons: { short: 3 } });
});

test("rates have to reach their goal, costs must not exceed it", () => {
  const traffic = [
    measurement(OURS, 1, { megabits: 4000, nearCpu: 1, farCpu: 1 }),
    measurement(DEBIAN, 1, { megabits: 1000, nearCpu: 5, farCpu: 5 }),
  ];
  const found = verdicts(results(traffic));
  expect(found.find(({ what }) => what === "TCP, 1 stream, Mbit/s")).toMatchObject({ measured: 4, met: false });
  expect(found.find(({ what }) => what.includes("CPU-seconds"))).toMatchObject({ measured: 0.2, met: true });
});

test("wasmguard with wide vectors has goals of its own, against the newest wireguard-go alone", () => {
  const traffic = [
    measurement(OURS, 1, { megabits: 1700, nearCpu: 1, farCpu: 1 }),
    measurement(WIDE, 1, { megabits: 1900, nearCpu: 0.9, farCpu: 0.9 }),
    measurement(DEBIAN, 1, { megabits: 200, nearCpu: 20, farCpu: 20 }),
    measurement(NEWEST, 1, { megabits: 1000, nearCpu: 2, farCpu: 1.5 }),
  ];
  const programs: TunnelResults["programs"] = [
    { name: OURS, kind: "ours", version: "26" },
    { name: WIDE, kind: "ours", version: "26" },
    { name: DEBIAN, kind: "theirs", version: "0.0.20220316" },
    { name: NEWEST, kind: "theirs", version: "0.0.20250522" },
  ];
  const found = verdicts({ ...results(traffic), programs }).filter(({ what }) => what.startsWith("wide vectors: "));
  expect(found).toEqual([
    { what: "wide vectors: TCP, 1 stream, Mbit/s", against: NEWEST, bound: "≥ 1.8×", measured: 1.9, met: true },
    {
      what: "wide vectors: TCP, 1 stream, CPU-seconds per GB",
      against: NEWEST,
      bound: "≤ 0.48×",
      measured: 1.8 / 3.5,
      met: false,
    },
  ]);
});
