// Segments that arrive together and go on with each other become one write, but only where each of them would be let in alone.
import { beforeEach, expect, test } from "vitest";
import { VNET_BYTES } from "../../../host/core/codes.ts";
import { drops, endpoint, Pair, START } from "../../host/engine/support/pair.ts";
import { buildPacket, type PacketFields } from "../../reference/packets.ts";
import { pattern } from "../../support/arbitrary-packets.ts";
import { TestNode } from "../../support/node.ts";
import type { Arrival } from "../../support/ports.ts";

const SIZE = 100;
const HEADERS = 40;
const INNER_A = Uint8Array.of(10, 9, 0, 1); // as buildPacket has source 1
const INNER_B = Uint8Array.of(10, 9, 0, 2);
const ECT_0 = 2;
const CE = 3;
let pair: Pair;

beforeEach(async () => {
  pair = (await Pair.create("merging")).connect();
  pair.peerB.addAllowedIp(INNER_B, 32);
  pair.peerA.addAllowedIp(INNER_A, 32);
  pair.b.engine.core.exports.setTun(1, 1, 1);
});

/** The segment number `index` of a flow. */
function segment(index: number, fields: Partial<PacketFields> = {}): Uint8Array {
  const sequence = 1 + SIZE * index;
  return buildPacket({ version: 4, protocol: "tcp", sequence, id: index, payload: pattern(SIZE, index), ...fields });
}

/** A message from a node, and what came with it. */
function sealed(from: TestNode, packet: Uint8Array, tos = 0): Arrival {
  from.send(packet);
  return { bytes: from.sent.splice(0)[0]!.bytes, from: from.address, tos };
}

/** What the peers' messages, which come at once, are for the host: TOS of each write, and how many segments it has. */
function delivered(...arrivals: Arrival[]): [tos: number, segments: number][] {
  pair.b.receiveTogether(arrivals);
  return pair.b.delivered.splice(0).map((write) => {
    return [write[VNET_BYTES + 1]!, (write.length - VNET_BYTES - HEADERS) / SIZE];
  });
}

/** Another peer of b's, with a session. */
async function otherPeer(): Promise<TestNode> {
  const { b } = pair;
  const other = await TestNode.create("other", endpoint(3), START);
  other.setPrivateKey(new Uint8Array(32).fill(0x33));
  b.addPeer(other.publicKey, other.address, [Uint8Array.of(10, 9, 0, 3), 32]);
  other.addPeer(b.publicKey, b.address, [INNER_B, 32]);
  other.engine.bringUp(other.now);
  other.send(segment(0, { source: 3 }));
  while (other.sent.length > 0) {
    b.receiveTogether(other.sent.splice(0).map(({ bytes }) => ({ bytes, from: other.address })));
    for (const { bytes } of b.sent.splice(0)) other.receive(bytes, b.address);
  }
  expect(b.delivered.splice(0)).toHaveLength(1);
  return other;
}

test("a run of segments is one write, and all of it counts as received", () => {
  const run = [0, 1, 2, 3].map((i) => sealed(pair.a, segment(i)));
  const before = pair.peerA.rxBytes();
  expect(delivered(...run)).toEqual([[0, 4]]);
  expect(Number(pair.peerA.rxBytes() - before)).toBe(run.reduce((sum, { bytes }) => sum + bytes.length, 0));
});

test("a segment amid a run whose source is not the peer's is dropped", () => {
  const run = [segment(0), segment(1), segment(2, { source: 9 }), segment(2), segment(3)];
  expect(delivered(...run.map((packet) => sealed(pair.a, packet)))).toEqual([[0, 4]]);
  expect(drops(pair.b)).toEqual({ source: 1 });
});

test("another peer cannot go on with a run, be it the last or the only one that was taken", async () => {
  const other = await otherPeer();
  const [first, second] = [0, 1].map((i) => sealed(pair.a, segment(i))) as [Arrival, Arrival];
  expect(delivered(first, second, sealed(other, segment(2)), sealed(pair.a, segment(2)))).toEqual([[0, 3]]);
  expect(drops(pair.b)).toEqual({ source: 1 });
});

test("nobody goes on with a run of the batch before", async () => {
  const other = await otherPeer();
  expect(delivered(sealed(pair.a, segment(0)))).toEqual([[0, 1]]);
  expect(delivered(sealed(other, segment(1)))).toEqual([]);
  expect(delivered(sealed(pair.a, segment(1)))).toEqual([[0, 1]]);
  expect(drops(pair.b)).toEqual({ source: 1 });
});

test("a segment amid a run that was marked on its way carries the mark", () => {
  const marks = [0, 0, CE, CE, 0];
  const run = marks.map((tos, i) => sealed(pair.a, segment(i, { tos: ECT_0 }), tos));
  expect(delivered(...run)).toEqual([
    [ECT_0, 2],
    [CE, 2],
    [ECT_0, 1],
  ]);
});

test("a length that is not true ends a run, and is no more", () => {
  const wrong = segment(1);
  wrong[2] = 0xff;
  expect(delivered(...[segment(0), wrong, segment(1)].map((packet) => sealed(pair.a, packet)))).toEqual([[0, 2]]);
  expect(drops(pair.b)).toEqual({ inner_packet: 1 });
});
