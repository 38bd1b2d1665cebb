// What a device ignores in silence: each cause is counted under its own name, and nothing else changes.
import { beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import type { DropReason } from "../../../host/engine/drop-reason.ts";
import { drops, endpoint, HOST_A, HOST_B, Pair, packet, state } from "./support/pair.ts";

const STRANGER = endpoint(99);
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`drops ${run}`);
  pair.connect();
  pair.advance(1_000);
});

/** b gets these bytes from a stranger: counted as `reason`, and no more. */
function expectSilence(bytes: Uint8Array, reason: DropReason): void {
  const before = state(pair.b);
  pair.b.receive(bytes, STRANGER);
  expect(drops(pair.b)).toEqual({ [reason]: 1 });
  expect(pair.b.sent).toEqual([]);
  expect(pair.b.delivered).toEqual([]);
  expect(state(pair.b)).toEqual(before);
}

function fromA(): Uint8Array {
  pair.sendFromA();
  return pair.a.sent.splice(0)[0]!.bytes;
}

/** An initiation of a's, made now. */
function initiation(): Uint8Array {
  pair.a.advance(pair.now + 5_000);
  pair.b.advance(pair.now);
  pair.peerB.sendInitiation("first");
  pair.a.lane.flush();
  return pair.a.sent.splice(0)[0]!.bytes;
}

function altered(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

describe("transport messages", () => {
  it("short", () => expectSilence(fromA().subarray(0, 31), "short"));
  it("empty", () => expectSilence(new Uint8Array(0), "short"));
  it("unknown type", () => expectSilence(altered(fromA(), 0), "type"));
  it("reserved bytes that are not zero", () => expectSilence(altered(fromA(), 3), "type"));
  it("unknown index", () => expectSilence(altered(fromA(), 5), "index"));
  it("altered counter", () => expectSilence(altered(fromA(), 8), "authentication"));
  it("altered content", () => expectSilence(altered(fromA(), 20), "authentication"));
  it("altered tag", () => expectSilence(altered(fromA(), 63), "authentication"));
  it("cut off", () => expectSilence(fromA().subarray(0, 48), "authentication"));

  it("sent again, from elsewhere", () => {
    const bytes = fromA();
    pair.b.receive(bytes, pair.a.address);
    pair.b.delivered = [];
    expectSilence(bytes, "replay");
  });
});

describe("handshake messages", () => {
  it.each([147, 149])("an initiation of %d bytes", (length) => {
    const bytes = new Uint8Array(length);
    bytes[0] = abi.MESSAGE_INITIATION;
    expectSilence(bytes, "type");
  });

  it("mac1 wrong", () => expectSilence(altered(initiation(), 20), "mac1"));

  it("a response to nothing", () => {
    const bytes = new Uint8Array(abi.RESPONSE_BYTES).fill(3);
    bytes.set([abi.MESSAGE_RESPONSE, 0, 0, 0]);
    expectSilence(bytes, "mac1");
  });

  it("an old initiation", () => {
    const bytes = initiation();
    pair.b.receive(bytes, pair.a.address);
    pair.b.sent = [];
    pair.advance(100);
    expectSilence(bytes, "timestamp");
  });

  it("two initiations within 20 ms", () => {
    const bytes = initiation();
    pair.a.setPrivateKey(new Uint8Array(32).fill(0x12));
    pair.a.setPrivateKey(new Uint8Array(32).fill(0x11));
    pair.a.wallOffset += 1;
    pair.peerB.sendInitiation("first");
    pair.a.lane.flush();
    const next = pair.a.sent.splice(0)[0]!.bytes;
    pair.b.receive(bytes, pair.a.address);
    pair.b.sent = [];
    expectSilence(next, "flood");
  });

  it("an initiation of somebody unknown", () => {
    pair.a.setPrivateKey(new Uint8Array(32).fill(0x12));
    expectSilence(initiation(), "unknown_peer");
  });

  it("a cookie reply that nobody waits for", () => {
    const bytes = new Uint8Array(abi.COOKIE_REPLY_BYTES).fill(5);
    bytes.set([abi.MESSAGE_COOKIE_REPLY, 0, 0, 0]);
    expectSilence(bytes, "index");
  });

  it("a forged cookie reply to an index in use", () => {
    const index = fromA().subarray(4, 8);
    const bytes = new Uint8Array(abi.COOKIE_REPLY_BYTES).fill(5);
    bytes.set([abi.MESSAGE_COOKIE_REPLY, 0, 0, 0]);
    bytes.set(index, 4);
    expectSilence(bytes, "cookie");
  });
});

describe("what was inside", () => {
  /** b drops it after it was authenticated: the endpoint moves all the same, and rx stays. */
  function expectDropped(inner: Uint8Array, reason: DropReason): void {
    const rx = pair.peerA.rxBytes();
    pair.a.send(inner);
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, STRANGER);
    expect(drops(pair.b)).toEqual({ [reason]: 1 });
    expect(pair.b.delivered).toEqual([]);
    expect(pair.peerA.endpoint()).toEqual(STRANGER);
    expect(pair.peerA.rxBytes()).toBe(rx);
  }

  it("an address that is not the sender's", () => expectDropped(packet(HOST_B, HOST_B), "source"));

  it("an address that a more specific prefix gives to somebody else", () => {
    pair.peerA.addAllowedIp(Uint8Array.of(10, 0, 0, 0), 24);
    const other = pair.b.addPeer(new Uint8Array(32).fill(9), undefined, [Uint8Array.of(10, 0, 0, 77), 32]);
    expectDropped(packet(Uint8Array.of(10, 0, 0, 77), HOST_B), "source");
    pair.b.engine.removePeer(other);
    pair.a.send(packet(Uint8Array.of(10, 0, 0, 77), HOST_B));
    pair.exchange();
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("a length that is not true", () => {
    const inner = packet(HOST_A, HOST_B, 40);
    inner[3] = 200;
    expectDropped(inner, "inner_packet");
  });
});

describe("outbound", () => {
  const lost = (bytes: Uint8Array): unknown => {
    pair.a.send(bytes);
    expect(pair.a.sent).toEqual([]);
    return drops(pair.a);
  };

  it("no peer", () => {
    expect(lost(packet(HOST_A, Uint8Array.of(10, 9, 9, 9)))).toEqual({ no_peer: 1 });
    expect(pair.a.delivered[0]!.subarray(20, 22)).toEqual(Uint8Array.of(3, 1));
  });

  it("no endpoint", () => {
    pair.a.addPeer(new Uint8Array(32).fill(9), undefined, [Uint8Array.of(10, 9, 9, 9), 32]);
    expect(lost(packet(HOST_A, Uint8Array.of(10, 9, 9, 9)))).toEqual({ no_endpoint: 1 });
    expect(pair.a.delivered[0]!.subarray(20, 22)).toEqual(Uint8Array.of(3, 1));
  });

  it("larger than a datagram can carry: the sender is told what would pass", () => {
    pair.a.send(packet(HOST_A, HOST_B, abi.PACKET_BYTES_MAX_IPV4));
    expect(pair.a.sent.splice(0)).toHaveLength(1);
    expect(lost(packet(HOST_A, HOST_B, abi.PACKET_BYTES_MAX_IPV4 + 1))).toEqual({ send: 1 });
    const error = pair.a.delivered[0]!;
    expect([...error.subarray(20, 22), ...error.subarray(26, 28)]).toEqual([3, 4, 65472 >> 8, 65472 & 255]);
  });

  it("no IP packet", () => expect(lost(new Uint8Array(20).fill(0x77))).toEqual({ malformed: 1 }));
});
