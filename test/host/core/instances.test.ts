// Several instances of the core on one memory, as threads have them: here one thread calls them in turn.
import { expect, test } from "vitest";
import { PEER_CURRENT, PEER_EVENTS, PEER_NEXT } from "../../../assembly/abi.ts";
import { EVENT_CONFIRMED, EVENT_SENT, SEND_DONE, sendStatus } from "../../../host/core/codes.ts";
import type { Core } from "../../../host/core/core.ts";
import { type Attachment, attachCore, sharedCoreModule } from "../../../host/core/load.ts";
import { txLength, txOffset } from "../../../host/core/records/tx.ts";
import type { TestNode } from "../../support/node.ts";
import { TestInside, TestOutside } from "../../support/ports.ts";
import { drops, HOST_A, HOST_B, Pair, packet } from "../engine/support/pair.ts";

const attachment = ({ exports, maxPeers, maxRoutes }: Core): Attachment => ({
  maxPeers,
  maxRoutes,
  thread: 1,
  memoryEnd: exports.memoryEnd.value,
});

/** A second instance on the memory of a node. */
async function second({ engine: { core } }: TestNode): Promise<Core> {
  core.exports.share();
  const other = await attachCore(await sharedCoreModule(), core.memory, attachment(core));
  other.exports.share();
  other.exports.adoptSettings();
  return other;
}

function seal(core: Core, bytes: Uint8Array, now: number): Uint8Array {
  const inside = new TestInside(core, () => {});
  inside.waiting.push(bytes);
  const length = inside.read(core.at.tunBuffer);
  expect(sendStatus(core.exports.sendPacket(core.at.tunBuffer, length, now))).toBe(SEND_DONE);
  expect(core.exports.trains()).toBe(1);
  const start = txOffset(core.views, core.tx(0));
  const message = core.bytes.slice(start, start + txLength(core.views, core.tx(0)));
  core.exports.accountTrain(0);
  core.exports.clearTrains();
  return message;
}

/** @returns how many packets are for the host */
function open(core: Core, bytes: Uint8Array, from: TestNode): number {
  const outside = new TestOutside(core, () => {});
  outside.waiting.push({ bytes, from: from.address });
  outside.receive(4, 1);
  return core.exports.receive(1, from.now);
}

function regions(core: Core): number[] {
  const { touched, handshakeQueue, rxBuffers, txBuffers, gather, writes, tunBuffer, ioControl, device } = core.at;
  return [touched, handshakeQueue, rxBuffers, txBuffers, gather, writes, tunBuffer, ioControl, device];
}

test("each instance has areas of its own, and shares all else", async () => {
  const { a } = await Pair.create("areas", "shared");
  const other = await second(a);
  const own = regions(a.engine.core);
  expect(regions(other).every((address, i) => address > own[i]!)).toBe(true);
  expect(other.at.peers).toBe(a.engine.core.at.peers);
  expect(other.exports.memoryEnd.value).toBe(a.engine.core.exports.memoryEnd.value);
});

test("one that would lay memory out otherwise is refused", async () => {
  const { core } = (await Pair.create("otherwise", "shared")).a.engine;
  const first = attachment(core);
  const otherwise = { ...first, memoryEnd: first.memoryEnd - 4096 };
  const attached = attachCore(await sharedCoreModule(), core.memory, otherwise).then(() => "attached");
  await expect(attached).rejects.toThrow("lays memory out to");
});

test("two instances seal under one keypair, and no counter is used twice", async () => {
  const pair = (await Pair.create("counters", "shared")).connect();
  const { a, b } = pair;
  const other = await second(a);
  const counters = new Set<bigint>();
  for (let i = 0; i < 10; i++) {
    const core = i % 2 === 0 ? other : a.engine.core;
    const message = seal(core, packet(HOST_A, HOST_B, 100, i), a.now);
    counters.add(new DataView(message.buffer).getBigUint64(8, true));
    b.receive(message, a.address);
  }
  expect(counters.size).toBe(10);
  expect(b.delivered).toHaveLength(10);
  expect(drops(b)).toEqual({});
});

test("a datagram that one instance took is a replay for the other", async () => {
  const pair = (await Pair.create("replay", "shared")).connect();
  const { a, b } = pair;
  const other = await second(a);
  pair.sendFromB();
  const { bytes } = b.sent.splice(0)[0]!;
  expect(open(other, bytes, b)).toBe(1);
  expect(open(a.engine.core, bytes, b)).toBe(0);
  expect(drops(a)).toEqual({ replay: 1 });
});

test("the first message under a new key is delivered, and answered under it, at once; thread 0 rotates the keypairs", async () => {
  const pair = await Pair.create("confirm", "shared");
  const { a, b, peerB } = pair;
  const other = await second(a);
  pair.sendFromB();
  a.receive(b.sent.splice(0)[0]!.bytes, b.address); // initiation
  b.receive(a.sent.splice(0)[0]!.bytes, a.address); // response: b sends what it had staged
  const record = a.engine.core.peer(peerB.slot);
  const role = (at: number) => a.engine.core.u32(record + at);
  const next = role(PEER_NEXT);
  expect([next > 0, role(PEER_CURRENT)]).toEqual([true, 0]);

  expect(open(other, b.sent.splice(0)[0]!.bytes, b)).toBe(1);
  expect([role(PEER_NEXT), role(PEER_CURRENT)]).toEqual([next, 0]);
  expect(role(PEER_EVENTS) & EVENT_CONFIRMED).toBe(EVENT_CONFIRMED);
  b.receive(seal(other, packet(HOST_A, HOST_B), a.now), a.address);
  expect(b.delivered).toHaveLength(1);
  a.engine.touched(peerB.slot);
  expect([role(PEER_NEXT), role(PEER_CURRENT), role(PEER_EVENTS)]).toEqual([0, next, 0]);
  b.receive(seal(other, packet(HOST_A, HOST_B), a.now), a.address);
  expect(b.delivered).toHaveLength(2);
});

test("what another instance sent counts, and arms the timer of a dead session", async () => {
  const pair = (await Pair.create("sent", "shared")).connect();
  const { a, peerB } = pair;
  const other = await second(a);
  pair.sendFromB(); // an answer to what went before
  pair.exchange();
  const before = peerB.txBytes();
  const message = seal(other, packet(HOST_A, HOST_B, 64), a.now);
  other.exports.noteEvent(peerB.slot, EVENT_SENT);
  expect(other.exports.takeTouched()).toBe(1);
  other.exports.noteEvent(peerB.slot, EVENT_SENT);
  expect(other.exports.takeTouched()).toBe(0); // it is known already
  expect(peerB.txBytes() - before).toBe(BigInt(message.length));
  expect(peerB.timers.newHandshake).toBe(Infinity);
  a.engine.touched(peerB.slot);
  expect(peerB.timers.newHandshake).toBeLessThan(Infinity);
});
