// The observer notices what it is there to notice: each rule is broken on purpose, by machines that are none.
import { beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import type { Peer } from "../../host/engine/peer.ts";
import type { Machine } from "./machine.ts";
import { Observer, type Original } from "./observer.ts";
import { innerPacket } from "./packet.ts";

const INDEX_A = 0xa;
const INDEX_B = 0xb;
const PEER = { alive: true } as Peer;

function impostor(index: number): Machine {
  return { index, incarnation: 1, epoch: 1, messageLimit: 3n } as Machine;
}

function message(type: number, ...words: number[]): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of [type, ...words].entries()) view.setUint32(4 * i, word, true);
  return bytes;
}

const a = impostor(0);
const b = impostor(1);
const secret = innerPacket(1, 0, 1, new Uint8Array(4));
let observer: Observer;

/** a initiated, b answered, a got it. */
beforeEach(() => {
  observer = new Observer();
  const response = observer.sent(b, message(abi.MESSAGE_RESPONSE, INDEX_B, INDEX_A), PEER);
  observer.willReceive(a, [response]);
  observer.willSend(secret);
});

const fromA = (counter: number): Original =>
  observer.sent(a, message(abi.MESSAGE_TRANSPORT, INDEX_B, counter, 0), PEER);

describe("sending", () => {
  it("takes counters one by one", () => {
    for (let counter = 0; counter < 3; counter++) expect(() => fromA(counter)).not.toThrow();
  });

  it("a counter used twice", () => {
    fromA(0);
    expect(() => fromA(0)).toThrow("counter 0 sent, 1 is next");
  });

  it("a counter left out", () => expect(() => fromA(1)).toThrow("counter 1 sent, 0 is next"));

  it("a session that nobody agreed on", () => {
    expect(() => observer.sent(b, message(abi.MESSAGE_TRANSPORT, 77, 0, 0), PEER)).toThrow("nobody agreed on");
  });

  it("a session that is too old", () => {
    observer.time = 180_000;
    expect(() => fromA(0)).toThrow("under a session of 180000 ms");
  });

  it("initiations too close to each other", () => {
    const initiation = (): Original => observer.sent(a, message(abi.MESSAGE_INITIATION, INDEX_A), PEER);
    initiation();
    observer.time = 4_999;
    expect(initiation).toThrow("4999 ms apart");
  });

  it("a session over its limit that is not replaced", () => {
    observer.time = 100_000;
    for (let counter = 0; counter < 3; counter++) fromA(counter);
    observer.settled(a);
    fromA(3);
    expect(() => observer.settled(a)).toThrow("over the limit");
  });
});

describe("delivery", () => {
  const receive = (...originals: Original[]): void => observer.willReceive(b, originals);

  it("takes a packet out of a genuine datagram", () => {
    receive(fromA(0));
    expect(() => observer.delivered(b, secret.bytes)).not.toThrow();
  });

  it("a packet out of nowhere", () => {
    receive();
    expect(() => observer.delivered(b, secret.bytes)).toThrow("may not be accepted");
  });

  it("a packet out of a datagram that came before", () => {
    const original = fromA(0);
    receive(original);
    receive(original);
    expect(() => observer.delivered(b, secret.bytes)).toThrow("may not be accepted");
  });

  it("a packet out of a session that is too old", () => {
    const original = fromA(0);
    observer.time = 180_000;
    receive(original);
    expect(() => observer.delivered(b, secret.bytes)).toThrow("may not be accepted");
  });

  it("a packet twice", () => {
    receive(fromA(0), fromA(1));
    observer.delivered(b, secret.bytes);
    expect(() => observer.delivered(b, secret.bytes)).toThrow("came out twice");
  });

  it("a packet for somebody else", () => {
    receive(fromA(0));
    expect(() => observer.delivered(a, secret.bytes)).toThrow("came out at 0");
  });

  it("a packet that was changed, or never sent", () => {
    receive(fromA(0), fromA(1));
    const changed = Uint8Array.from(secret.bytes);
    changed[8]! ^= 1;
    expect(() => observer.delivered(b, changed)).toThrow("came out changed");
    expect(() => observer.delivered(b, innerPacket(9, 0, 1, new Uint8Array(4)).bytes)).toThrow("nobody sent");
  });
});
