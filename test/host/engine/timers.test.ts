// The five timers of a peer, event by event and firing by firing, on a clock that only the test moves.
import { beforeEach, describe, expect, it } from "vitest";
import { MESSAGE_INITIATION, MESSAGE_RESPONSE, MESSAGE_TRANSPORT } from "../../../assembly/abi.ts";
import { pathLocalAt } from "../../../host/core/records/path.ts";
import { peerCurrentKeypair, peerPath } from "../../../host/core/records/peer.ts";
import { NEVER } from "../../../host/time/instant.ts";
import { allKeypairs, HOST_A, HOST_B, Pair, packet, START } from "./support/pair.ts";

const ERASE = 540_000;
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`timers ${run}`);
});

const within = (value: number, low: number, high: number): void => {
  expect(value).toBeGreaterThanOrEqual(low);
  expect(value).toBeLessThanOrEqual(high);
};

describe("events", () => {
  it("an initiation that goes out arms its own retransmission only", () => {
    pair.wire = "cut";
    pair.sendFromA();
    const { timers } = pair.peerB;
    within(timers.retransmitHandshake - START, 5_000, 5_333);
    expect([timers.sendKeepalive, timers.newHandshake, timers.zeroKeyMaterial, timers.persistentKeepalive]).toEqual([
      NEVER,
      NEVER,
      NEVER,
      NEVER,
    ]);
  });

  it("a response that goes out plans the erasure of its session", () => {
    pair.sendFromA();
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, pair.a.address);
    expect(pair.b.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_RESPONSE]);
    expect(pair.peerA.timers.zeroKeyMaterial).toBe(START + ERASE);
    expect(pair.peerA.timers.retransmitHandshake).toBe(NEVER);
  });

  it("a response that comes ends the retransmission and plans the erasure", () => {
    pair.sendFromA();
    pair.exchange();
    expect(pair.peerB.timers.retransmitHandshake).toBe(NEVER);
    expect(pair.peerB.timers.zeroKeyMaterial).toBe(START + ERASE);
    expect(pair.peerB.lastHandshake().seconds).toBeGreaterThan(0);
  });

  it("data that goes out asks for an answer, data that comes in for one of ours", () => {
    pair.connect();
    within(pair.peerB.timers.newHandshake - START, 15_000, 15_333);
    expect(pair.peerA.timers.sendKeepalive).toBe(START + 10_000);
    pair.sendFromB();
    pair.exchange();
    expect(pair.peerB.timers.newHandshake).toBe(NEVER);
    expect(pair.peerA.timers.sendKeepalive).toBe(NEVER);
    expect(pair.peerB.timers.sendKeepalive).toBe(START + 10_000);
  });

  it("more data does not put the wait for an answer off", () => {
    pair.connect();
    const due = pair.peerB.timers.newHandshake;
    pair.wire = "cut";
    pair.advance(3_000);
    pair.sendFromA();
    expect(pair.peerB.timers.newHandshake).toBe(due);
  });

  it("staged data that key confirmation sets free asks for an answer", () => {
    // b has data for a, but a's initiation comes first.
    pair.sendFromA();
    const initiation = pair.a.sent.splice(0)[0]!;
    pair.b.receive(initiation.bytes, pair.a.address);
    pair.sendFromB();
    expect(pair.b.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_RESPONSE]);
    pair.exchange();
    expect(pair.a.delivered).toHaveLength(1);
    within(pair.peerA.timers.newHandshake - START, 15_000, 15_333);
  });

  it("any authenticated packet starts the persistent keepalive anew", () => {
    pair.connect();
    pair.peerB.setPersistentKeepalive(25);
    pair.advance(1_000);
    pair.sendFromB();
    pair.exchange();
    expect(pair.peerB.timers.persistentKeepalive).toBe(START + 1_000 + 25_000);
    pair.advance(1_000);
    pair.sendFromA();
    expect(pair.peerB.timers.persistentKeepalive).toBe(START + 2_000 + 25_000);
  });
});

describe("firing", () => {
  it("an unanswered initiation is sent 20 times, 5 s and up to a third apart, and given up", () => {
    pair.wire = "cut";
    pair.sendFromA();
    pair.advance(200_000);
    const times = pair.times(pair.a, MESSAGE_INITIATION, START);
    expect(times).toHaveLength(20);
    for (let i = 1; i < times.length; i++) within(times[i]! - times[i - 1]!, 5_000, 5_333);
    expect(new Set(times.map((at, i) => at - (times[i - 1] ?? 0))).size).toBeGreaterThan(5);
    expect(pair.a.engine.counters.handshakesGivenUp).toBe(1);
  });

  it("giving up drops what is staged and tells its sender", () => {
    pair.wire = "cut";
    pair.a.send(packet(HOST_A, HOST_B, 100));
    pair.advance(200_000);
    expect(Number(pair.a.engine.drops().staged)).toBe(1);
    expect(pair.a.delivered).toHaveLength(1);
    const error = pair.a.delivered[0]!;
    expect([error[9], error[20], error[21]]).toEqual([1, 3, 1]); // ICMP, destination unreachable, host
    expect(error.subarray(12, 16)).toEqual(HOST_B);
    expect(error.subarray(28, 48)).toEqual(packet(HOST_A, HOST_B, 100).subarray(0, 20));
  });

  it("giving up plans an erasure, unless one is planned", () => {
    pair.wire = "cut";
    pair.sendFromA();
    pair.advance(107_000);
    within(pair.peerB.timers.zeroKeyMaterial, START + 100_000 + ERASE, START + 107_000 + ERASE);
  });

  it("traffic that goes on starts the count anew", () => {
    pair.wire = "cut";
    for (let second = 0; second < 150; second++) {
      pair.sendFromA();
      pair.advance(1_000);
    }
    expect(pair.a.engine.counters.handshakesGivenUp).toBe(0);
    expect(pair.times(pair.a, MESSAGE_INITIATION).length).toBeGreaterThan(25);
  });

  it("data without an answer of ours draws one keepalive after 10 s, and no keepalive draws another", () => {
    pair.connect();
    pair.advance(14_000);
    expect(pair.times(pair.b, MESSAGE_TRANSPORT, START)).toEqual([10_000]);
    expect(pair.lengths(pair.b, MESSAGE_TRANSPORT)).toEqual([32]);
    expect(pair.times(pair.a, MESSAGE_TRANSPORT)).toEqual([]);
    pair.advance(100_000);
    expect(pair.log).toHaveLength(1);
  });

  it("more data while a keepalive is due draws one more, 10 s later", () => {
    pair.connect();
    pair.advance(2_000);
    pair.sendFromA();
    pair.exchange();
    pair.clear();
    pair.advance(30_000);
    expect(pair.times(pair.b, MESSAGE_TRANSPORT, START)).toEqual([10_000, 20_000]);
  });

  it("silence after data makes a new handshake after 15 s", () => {
    pair.connect();
    pair.wire = "cut";
    pair.advance(16_000);
    const [first] = pair.times(pair.a, MESSAGE_INITIATION, START);
    within(first!, 15_000, 15_333);
  });

  it("both handshake timers forget the cached source address", () => {
    pair.connect();
    const { core } = pair.a.engine;
    const local = pathLocalAt(peerPath(core.peer(pair.peerB.slot)));
    const cache = (): void => void core.bytes.fill(7, local, local + 20);
    const cached = (): number => core.bytes[local]!;
    pair.wire = "cut";
    cache();
    pair.advance(15_400);
    expect(cached()).toBe(0);
    cache();
    pair.advance(5_400);
    expect(cached()).toBe(0);
  });

  it("keys are erased 540 s after the last new session", () => {
    pair.connect();
    const { core } = pair.a.engine;
    pair.advance(ERASE - 1);
    expect(peerCurrentKeypair(core.views, core.peer(pair.peerB.slot))).not.toBe(0);
    pair.advance(1);
    expect(peerCurrentKeypair(core.views, core.peer(pair.peerB.slot))).toBe(0);
    expect(allKeypairs(core).every((byte) => byte === 0)).toBe(true);
  });

  it("a persistent keepalive goes out at each interval, also without a session first", () => {
    pair.peerB.setPersistentKeepalive(20);
    pair.peerB.commit();
    pair.advance(0);
    expect(pair.log.map(({ type }) => type)).toEqual([MESSAGE_INITIATION, MESSAGE_RESPONSE, MESSAGE_TRANSPORT]);
    pair.clear();
    pair.advance(59_000);
    expect(pair.times(pair.a, MESSAGE_TRANSPORT, START)).toEqual([20_000, 40_000]);
    pair.peerB.setPersistentKeepalive(0);
    pair.advance(100_000);
    expect(pair.log).toHaveLength(2);
  });

  it("nothing fires while the interface is down", () => {
    pair.connect();
    pair.peerB.setPersistentKeepalive(5);
    pair.a.engine.takeDown(pair.now);
    pair.advance(200_000);
    expect(pair.times(pair.a, MESSAGE_TRANSPORT)).toEqual([]);
    expect(pair.a.engine.nextDeadline()).toBe(NEVER);
  });
});
