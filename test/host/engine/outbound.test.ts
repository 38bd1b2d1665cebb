// The outside of what is sent: padding, traffic class, one flow after the other.
import { beforeEach, describe, expect, it } from "vitest";
import { HOST_A, HOST_B, Pair, packet } from "./support/pair.ts";

const OVERHEAD = 32;
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`outbound ${run}`);
});

/** Bytes of plaintext that carry an inner packet of this length. */
function padded(length: number): number {
  pair.sendFromA(length);
  return pair.a.sent.splice(0)[0]!.bytes.length - OVERHEAD;
}

describe("padding", () => {
  it("goes to 16 bytes, and not over the MTU", () => {
    pair.connect();
    pair.a.engine.core.exports.setMtu(1420);
    expect([20, 32, 33, 1408, 1409, 1419, 1420].map(padded)).toEqual([32, 32, 48, 1408, 1420, 1420, 1420]);
  });

  it("of a packet over the MTU is that of what is left after whole MTUs", () => {
    pair.connect();
    pair.a.engine.core.exports.setMtu(1420);
    expect([1421, 1440, 2840, 2841].map(padded)).toEqual([1436, 1452, 2840, 2856]);
  });

  it("goes to 16 bytes where no MTU is known", () => {
    pair.connect();
    expect([1409, 1420].map(padded)).toEqual([1424, 1424]);
  });

  it("is zero, also where a longer packet lay, and gone at the other end", () => {
    pair.connect();
    pair.a.send(packet(HOST_A, HOST_B, 200, 0xff));
    pair.exchange();
    pair.b.delivered.length = 0;
    pair.sendFromA(21);
    pair.exchange();
    expect(pair.b.delivered).toEqual([packet(HOST_A, HOST_B, 21)]);
    const { at, bytes } = pair.b.engine.core;
    const opened = at.rxBuffers + 16;
    expect(bytes.slice(opened + 21, opened + 32)).toEqual(new Uint8Array(11));
  });
});

describe("traffic class", () => {
  it("handshake messages are AF41; data is plain", () => {
    pair.sendFromA();
    pair.b.receive(pair.a.sent[0]!.bytes, pair.a.address);
    expect([pair.a.sent[0]!.tos, pair.b.sent[0]!.tos]).toEqual([0x88, 0x88]);
    pair.exchange();
    pair.sendFromA();
    expect(pair.a.sent[0]!.tos).toBe(0);
  });

  it("of data is the inner congestion field, without the DSCP", () => {
    pair.connect();
    const inner = packet(HOST_A, HOST_B, 40);
    for (const tos of [0xb8, 0xb9, 0xba, 0xbb]) {
      inner[1] = tos;
      pair.a.send(inner);
    }
    expect(pair.a.sent.map(({ tos }) => tos)).toEqual([0, 1, 2, 3]);
  });

  it("a mark met on the way is carried in", () => {
    pair.connect();
    const inner = packet(HOST_A, HOST_B, 40);
    inner[1] = 0xba;
    pair.a.send(inner);
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, pair.a.address, 3);
    expect(pair.b.delivered[0]![1]).toBe(0xbb);
  });

  it("a mark on what cannot carry one changes nothing", () => {
    pair.connect();
    const inner = packet(HOST_A, HOST_B, 40);
    pair.a.send(inner);
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, pair.a.address, 3);
    expect(pair.b.delivered).toEqual([inner]);
  });
});
