// Packets that wait for a session.
import { describe, expect, it } from "vitest";
import { StagedBudget, StagedQueue } from "../../../host/device/staged.ts";
import { HOST_A, HOST_B, Pair, packet } from "./support/pair.ts";

describe("staged queue", () => {
  it("keeps 128 packets of a peer, and the newest", async () => {
    const pair = await Pair.create("staged");
    for (let i = 0; i < 200; i++) pair.a.send(packet(HOST_A, HOST_B, 40, i));
    expect(Number(pair.a.engine.drops().staged)).toBe(72);
    pair.exchange();
    expect(pair.b.delivered.map((bytes) => bytes[39])).toEqual(Array.from({ length: 128 }, (_, i) => 72 + i));
    expect(pair.a.engine.budget.used).toBe(0);
  });

  it("stays within the bytes that all peers share", () => {
    const budget = new StagedBudget(1_000);
    const [first, second] = [new StagedQueue(budget), new StagedQueue(budget)];
    for (let i = 0; i < 6; i++) expect(first.push(new Uint8Array(100))).toBe(0);
    expect(second.push(new Uint8Array(500))).toBe(1); // there is nothing of its own to give up
    expect(second.push(new Uint8Array(400))).toBe(0);
    expect(first.push(new Uint8Array(250))).toBe(3);
    expect(budget.used).toBeLessThanOrEqual(1_000);
    expect(first.clear() + second.clear()).toBe(5);
    expect(budget.used).toBe(0);
  });

  it("keeps a copy", () => {
    const queue = new StagedQueue(new StagedBudget());
    const bytes = Uint8Array.of(1, 2, 3);
    queue.push(bytes);
    bytes.fill(0);
    expect(queue.shift()).toEqual(Uint8Array.of(1, 2, 3));
    expect(queue.shift()).toBeUndefined();
  });

  it("is emptied when the interface goes down", async () => {
    const pair = await Pair.create("staged down");
    pair.wire = "cut";
    pair.sendFromA();
    pair.a.engine.setUp(false, pair.now);
    expect(Number(pair.a.engine.drops().staged)).toBe(1);
    expect(pair.a.engine.budget.used).toBe(0);
  });
});
