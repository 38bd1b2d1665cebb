// Sessions: how they begin, are confirmed, replaced and refused, by time and by messages.
import { beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { drops, HOST_A, HOST_B, Pair, packet, START, setSendingCounter } from "./support/pair.ts";

const { MESSAGE_INITIATION, MESSAGE_RESPONSE, MESSAGE_TRANSPORT } = abi;
const REJECT_AFTER_MESSAGES = 2n ** 64n - 1n - 8128n - 1n;
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`sessions ${run}`);
});

describe("beginning", () => {
  it("one initiation and one response are enough, and the first packet confirms the key", () => {
    pair.sendFromA();
    pair.exchange();
    expect(pair.log.map(({ type, length }) => [type, length])).toEqual([
      [MESSAGE_INITIATION, 148],
      [MESSAGE_RESPONSE, 92],
      [MESSAGE_TRANSPORT, 64],
    ]);
    expect(pair.b.delivered).toEqual([packet(HOST_A, HOST_B)]);
    expect(pair.a.engine.counters).toMatchObject({ initiationsSent: 1, responsesReceived: 1 });
    expect(pair.b.engine.counters).toMatchObject({ initiationsReceived: 1, responsesSent: 1 });
  });

  it("without data a keepalive confirms the key", () => {
    pair.peerB.sendInitiation("first");
    pair.a.lane.flush();
    pair.exchange();
    expect(pair.lengths(pair.a, MESSAGE_TRANSPORT)).toEqual([32]);
  });

  it("a keepalive confirms the key also when what was staged goes to another peer by then", () => {
    const other = pair.a.addPeer(new Uint8Array(32).fill(9), undefined);
    pair.sendFromA();
    other.addAllowedIp(HOST_B, 32);
    pair.exchange();
    expect(pair.lengths(pair.a, MESSAGE_TRANSPORT)).toEqual([32]);
  });

  it("the responder sends no data before the initiator's first", () => {
    pair.sendFromA();
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, pair.a.address);
    pair.sendFromB();
    expect(pair.b.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_RESPONSE]);
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_TRANSPORT)).toHaveLength(1);
    expect(pair.a.delivered).toEqual([packet(HOST_B, HOST_A)]);
  });

  it("two that start together and cross end up with a session", () => {
    pair.sendFromA();
    pair.sendFromB();
    pair.exchange();
    expect([pair.a.delivered, pair.b.delivered]).toEqual([[], []]);
    pair.advance(6_100);
    expect([pair.a.delivered.length, pair.b.delivered.length]).toEqual([1, 1]);
  });

  it("two that cross do so at any fraction of a millisecond", () => {
    for (let round = 1; round <= 50; round++) {
      pair.a.engine.takeDown(pair.now);
      pair.b.engine.takeDown(pair.now);
      pair.advance(10_000 + round / 64.3);
      pair.a.engine.bringUp(pair.now);
      pair.b.engine.bringUp(pair.now);
      pair.sendFromA();
      pair.sendFromB();
      pair.exchange();
      pair.advance(6_100);
      expect([pair.a.delivered.length, pair.b.delivered.length]).toEqual([round, round]);
    }
  });
});

describe("gate", () => {
  it("initiations are 5 s apart, however much is to be sent", () => {
    pair.wire = "cut";
    for (let i = 0; i < 49; i++) {
      pair.sendFromA();
      pair.advance(100);
    }
    expect(pair.times(pair.a, MESSAGE_INITIATION, START)).toEqual([0]);
  });

  it("a response that was sent shuts the gate as well", () => {
    pair.connect();
    pair.b.engine.core.exports.setRekeyLimits(1, 1n);
    pair.advance(4_000);
    for (let i = 0; i < 3; i++) pair.sendFromB();
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_INITIATION)).toEqual([]);
    pair.advance(1_000);
    pair.sendFromB();
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_INITIATION, START)).toEqual([5_000]);
  });
});

describe("age", () => {
  it("the initiator replaces a session of 120 s when it sends, the responder does not", () => {
    pair.connect();
    pair.advance(119_999);
    pair.sendFromA();
    pair.exchange();
    expect(pair.times(pair.a, MESSAGE_INITIATION)).toEqual([]);
    pair.advance(1);
    pair.sendFromB();
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_INITIATION)).toEqual([]);
    pair.sendFromA();
    pair.exchange();
    expect(pair.times(pair.a, MESSAGE_INITIATION, START)).toEqual([120_000]);
    expect(pair.b.delivered).toHaveLength(2);
  });

  it("an initiator that only receives asks once, at 165 s", () => {
    pair.connect();
    // What a answers is lost.
    pair.advance(164_000);
    pair.clear();
    for (let i = 0; i < 20; i++) {
      pair.sendFromB();
      for (const { bytes } of pair.b.sent.splice(0)) pair.a.receive(bytes, pair.b.address);
      for (const { bytes } of pair.a.sent.splice(0))
        pair.log.push({ from: pair.a, type: bytes[0]!, length: bytes.length, at: pair.now });
      pair.a.now += 250;
      pair.b.now += 250;
    }
    expect(pair.times(pair.a, MESSAGE_INITIATION, START)).toEqual([165_000]);
  });

  it("a late message under the previous session does not ask for a third", () => {
    pair.connect();
    pair.advance(110_000);
    pair.sendFromB();
    const late = pair.b.sent.splice(0);
    pair.advance(10_000);
    pair.sendFromA();
    pair.exchange();
    pair.clear();
    pair.advance(46_000);
    for (const { bytes } of late) pair.a.receive(bytes, pair.b.address);
    expect(pair.a.delivered).toHaveLength(1);
    pair.exchange();
    expect(pair.times(pair.a, MESSAGE_INITIATION)).toEqual([]);
  });

  it("nothing is sent under a session of 180 s", () => {
    pair.connect();
    pair.wire = "cut";
    pair.advance(179_999);
    pair.clear();
    pair.sendFromB();
    pair.advance(1);
    expect(pair.log.map(({ type }) => type)).toEqual([MESSAGE_TRANSPORT]);
    pair.sendFromB();
    pair.exchange();
    expect(pair.log.map(({ type }) => type)).toEqual([MESSAGE_TRANSPORT, MESSAGE_INITIATION]);
  });

  it("nothing is accepted under a session of 180 s", () => {
    pair.connect();
    pair.sendFromA();
    const [{ bytes } = { bytes: new Uint8Array() }] = pair.a.sent.splice(0);
    pair.advance(180_000);
    pair.b.receive(bytes, pair.a.address);
    expect(drops(pair.b)).toEqual({ expired: 1 });
    expect(pair.b.delivered).toEqual([]);
  });

  it("what was under way comes through while the session is replaced", () => {
    pair.connect();
    pair.sendFromB();
    const late = pair.b.sent.splice(0);
    pair.advance(120_000);
    pair.sendFromA();
    pair.exchange();
    for (const { bytes } of late) pair.a.receive(bytes, pair.b.address);
    expect(pair.a.delivered).toHaveLength(1);
  });
});

describe("number of messages", () => {
  it("more than 2^60 ask for a new session, in either role", () => {
    pair.connect();
    pair.advance(5_000);
    setSendingCounter(pair.b, pair.peerA, 2n ** 60n - 1n);
    pair.sendFromB();
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_INITIATION)).toEqual([]);
    pair.sendFromB();
    pair.exchange();
    expect(pair.times(pair.b, MESSAGE_INITIATION)).toHaveLength(1);
    expect(pair.a.delivered).toHaveLength(2);
  });

  it("none is sent at the reject limit: it waits for a new session", () => {
    pair.connect();
    pair.advance(5_000);
    setSendingCounter(pair.a, pair.peerB, REJECT_AFTER_MESSAGES - 1n);
    pair.wire = "cut";
    pair.sendFromA();
    pair.sendFromA();
    pair.exchange();
    expect(pair.times(pair.a, MESSAGE_TRANSPORT)).toHaveLength(1);
    pair.wire = "whole";
    pair.advance(6_000);
    expect(pair.b.delivered).toHaveLength(1);
  });
});

describe("counters", () => {
  it("rx and tx are the bytes of all messages", () => {
    pair.connect();
    expect([pair.peerB.txBytes(), pair.peerB.rxBytes()]).toEqual([148n + 64n, 92n]);
    expect([pair.peerA.rxBytes(), pair.peerA.txBytes()]).toEqual([148n + 64n, 92n]);
    pair.sendFromB(1000);
    pair.exchange();
    expect(pair.peerB.rxBytes()).toBe(92n + 32n + 1008n);
    pair.advance(10_000);
    expect(pair.peerA.rxBytes()).toBe(148n + 64n + 32n);
  });

  it("a datagram that the system refused is not counted", () => {
    pair.connect();
    const before = pair.peerB.txBytes();
    pair.a.outside.refusing.add(0);
    pair.sendFromA();
    expect(pair.peerB.txBytes()).toBe(before);
    expect(drops(pair.a)).toEqual({ send: 1 });
  });
});
