// Packets that wait for a session.
import { describe, expect, it } from "vitest";
import { STAGED_SHARES } from "../../../host/engine/constants.ts";
import { StagedBudget, StagedQueue } from "../../../host/engine/staged.ts";
import { HOST_A, HOST_B, Pair, packet } from "./support/pair.ts";

describe("staged queue", () => {
  it("keeps 128 packets of a peer, and the newest", async () => {
    const pair = await Pair.create("staged");
    for (let i = 0; i < 200; i++) pair.a.send(packet(HOST_A, HOST_B, 40, i));
    expect(Number(pair.a.engine.drops().staged)).toBe(72);
    pair.exchange();
    expect(pair.b.delivered.map((bytes) => bytes[39])).toEqual(Array.from({ length: 128 }, (_, i) => 72 + i));
    expect(pair.a.engine.staging.bytes).toBe(0);
  });

  it("takes no more than a peer's share, and never more than there is for all", () => {
    const budget = new StagedBudget(16_000);
    const share = budget.limit / STAGED_SHARES;
    const queues = Array.from({ length: 2 * STAGED_SHARES }, () => new StagedQueue(budget));
    const [first, ...others] = queues as [StagedQueue, ...StagedQueue[]];
    for (let i = 0; i < 10; i++) expect(first.push(new Uint8Array(share / 10))).toBe(0);
    expect(first.push(new Uint8Array(share / 4))).toBe(3); // the oldest make room
    expect(first.push(new Uint8Array(2 * share))).toBe(8); // one packet may be larger than the share
    for (const queue of others.slice(0, STAGED_SHARES - 2)) expect(queue.push(new Uint8Array(share))).toBe(0);
    expect(budget.used).toBe(budget.limit);
    expect(others.at(-1)?.push(new Uint8Array(1))).toBe(1); // there is nothing of its own to give up
    for (const queue of queues) queue.clear();
    expect(budget.used).toBe(0);
  });

  it("keeps a copy", () => {
    const queue = new StagedQueue(new StagedBudget());
    const bytes = Uint8Array.of(1, 2, 3);
    queue.push(bytes);
    bytes.fill(0);
    queue.take((packet) => expect(packet).toEqual(Uint8Array.of(1, 2, 3)));
    expect(queue.take(() => expect.unreachable())).toBe(false);
  });

  it("wipes what it kept: when it was used, also if that fails, when it is dropped for another, and when all are", () => {
    const queue = new StagedQueue(new StagedBudget(8 * STAGED_SHARES));
    const made: Uint8Array[] = [];
    const { from } = Uint8Array;
    Uint8Array.from = ((bytes: Uint8Array) => {
      made.push(from.call(Uint8Array, bytes) as Uint8Array);
      return made.at(-1);
    }) as typeof from;
    try {
      for (let i = 0; i < 3; i++) queue.push(new Uint8Array(4).fill(9));
    } finally {
      Uint8Array.from = from;
    }
    const wiped = () => made.map((bytes) => bytes.every((byte) => byte === 0));
    expect(wiped()).toEqual([true, false, false]);
    const fails = () => {
      throw new Error("no room");
    };
    expect(() => queue.take(fails)).toThrow("no room");
    expect(wiped()).toEqual([true, true, false]);
    queue.clear();
    expect(wiped()).toEqual([true, true, true]);
  });

  it("is emptied when the interface goes down", async () => {
    const pair = await Pair.create("staged down");
    pair.wire = "cut";
    pair.sendFromA();
    pair.a.engine.takeDown(pair.now);
    expect(Number(pair.a.engine.drops().staged)).toBe(1);
    expect(pair.a.engine.staging.bytes).toBe(0);
  });
});
