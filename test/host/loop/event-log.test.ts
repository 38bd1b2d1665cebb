// What the log tells of a handshake and of what goes wrong, and how little of it a flood brings about.
import { beforeEach, expect, test } from "vitest";
import { NUMERIC_ZONES } from "../../../host/address/endpoint-text.ts";
import type { DropReason } from "../../../host/engine/drop-reason.ts";
import { EventLog } from "../../../host/loop/event-log.ts";
import { Pair } from "../engine/support/pair.ts";

let run = 0;
let pair: Pair;
let lines: string[];
let now: number;
let log: EventLog;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`event log ${run}`);
  lines = [];
  now = 0;
  log = new EventLog({
    core: pair.b.engine.core,
    zones: NUMERIC_ZONES,
    tell: (line) => lines.push(line.replace(/peer\([\w+/]{4}…[\w+/=]{4}\)/, "peer")),
    now: () => now,
  });
  Object.assign(pair.b.engine.events, log.events, { pathLearnt: log.pathLearnt.bind(log) });
});

test("a handshake of a peer is told step by step", () => {
  pair.sendFromA();
  pair.exchange();
  expect(lines).toEqual([
    "peer: got a handshake initiation",
    "peer: sent a handshake response",
    "peer: session agreed on: new keys are in use",
  ]);
});

test("so is one of our own, with where it goes to", () => {
  pair.sendFromB();
  pair.exchange();
  expect(lines.slice(0, 2)).toEqual([
    "peer: sent a handshake initiation to 192.0.2.1:51820",
    "peer: got a handshake response",
  ]);
  expect(lines).toContain("peer: session agreed on: new keys are in use");
});

test("a peer that does not answer is told, and that it was given up", () => {
  pair.wire = "cut";
  pair.sendFromB();
  pair.advance(120_000);
  expect(lines.filter((line) => line.includes("sent another handshake initiation")).length).toBeGreaterThan(10);
  expect(lines).toContain("peer: no answer to handshakes for 90 s: given up until there is something to send");
});

test("an address that stays the same is told once", () => {
  for (let i = 0; i < 3; i++) log.pathLearnt(pair.peerA);
  expect(lines).toHaveLength(1);
});

test("lines have a rate, and those beyond it are counted", () => {
  for (let i = 0; i < 10_000; i++) log.events.refused!(0, pair.peerA.path);
  expect(lines).toHaveLength(50);
  now += 1000;
  for (let i = 0; i < 10_000; i++) log.events.refused!(0, pair.peerA.path);
  expect(lines).toHaveLength(50 + 11);
  expect(lines[50]).toBe("9950 lines about peers are left out: there were too many at once");
});

test("what was dropped since the last look is told, a line for each cause", () => {
  const drops = (changes: Partial<Record<DropReason, bigint>>) => () => ({ ...pair.b.engine.drops(), ...changes });
  log.tellDrops(drops({ mac1: 5n }));
  log.tellDrops(drops({ mac1: 8n, replay: 1n }));
  log.tellDrops(drops({ mac1: 8n, replay: 1n }));
  expect(lines).toEqual([
    "dropped 5 handshake messages that are not for our public key (mac1)",
    "dropped 1 messages that had come before (replay)",
    "dropped 3 handshake messages that are not for our public key (mac1)",
  ]);
});
