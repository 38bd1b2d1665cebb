/**
 * A batch that several threads seal or open: whatever the others do, well, late, slowly, not at all, the outcome is what one thread
 * makes of it, in order.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { RX_SLOTS, VNET_BYTES } from "../../../host/core/codes.ts";
import { VNET } from "../../../host/core/records/vnet.ts";
import { drops, HOST_A, HOST_B, Pair, packet } from "../../host/engine/support/pair.ts";
import type { TestNode } from "../../support/node.ts";
import { Helper, type Manner, secretScratch } from "./helping/helper.ts";

const SEGMENT = 1360;
const HEADERS = 40;
const SEGMENTS = 45;
/** Rounds of a test, and at the most where the other thread must get its chance, on a machine that may be busy. */
const ROUNDS = 20;
const ROUNDS_MAX = 5_000;

/** Whether there is another round: until the other thread did what the test is about. */
function goesOn(round: number, done: number): boolean {
  return round < ROUNDS || (done === 0 && round < ROUNDS_MAX);
}

async function helped(node: TestNode, manner: Manner, thread = 1): Promise<Helper> {
  const helper = await Helper.start(node, manner, thread);
  onTestFinished(() => helper.stop());
  return helper;
}

/** Have `from` seal a TCP superpacket for the other. @returns the datagrams that leave */
function superpacket(from: TestNode, filling: number): Uint8Array[] {
  const { core } = from.engine;
  const at = core.at.tunBuffer;
  const length = HEADERS + SEGMENT * SEGMENTS;
  const bytes = packet(HOST_A, HOST_B, length, filling);
  bytes[9] = 6; // TCP
  bytes[20 + 12] = 5 << 4; // twenty bytes of header
  core.bytes.fill(0, at, at + VNET_BYTES);
  core.bytes[at + VNET.flags] = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
  core.bytes[at + VNET.gsoType] = 1; // VIRTIO_NET_HDR_GSO_TCPV4
  new DataView(core.bytes.buffer).setUint16(at + VNET.gsoSize, SEGMENT, true);
  core.bytes.set(bytes, at + VNET_BYTES);
  from.lane.send(at, VNET_BYTES + length, from.now);
  from.lane.flush();
  return from.sent.splice(0).map((datagram) => datagram.bytes);
}

/** Datagrams with a packet each, which tells its number. */
function sealed({ a }: Pair, count: number, length = 1200): Uint8Array[] {
  for (let i = 0; i < count; i++) a.send(packet(HOST_A, HOST_B, length, i));
  return a.sent.splice(0).map(({ bytes }) => bytes);
}

/** What follows the IP header: the numbers that `sealed` gave. */
const numbers = ({ delivered }: TestNode) => delivered.splice(0).map((bytes) => bytes[bytes.length - 1]);

function receive({ a, b }: Pair, ...trains: Uint8Array[][]): void {
  const arrivals = trains.map((train) => ({
    bytes: Uint8Array.from(Buffer.concat(train)),
    from: a.address,
    segment: train[0]!.length,
  }));
  for (let i = 0; i < arrivals.length; i += RX_SLOTS) b.receiveTogether(arrivals.slice(i, i + RX_SLOTS));
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(["well", "late", "slowly", "dead"] as const)("others help: %s", (manner) => {
  test("all of a batch is opened, in order", async () => {
    const pair = (await Pair.create("open", "shared")).connect();
    const helper = await helped(pair.b, manner);
    for (let round = 0; goesOn(round, manner === "dead" ? 1 : helper.helped); round++) {
      const messages = sealed(pair, 130);
      receive(pair, messages.slice(0, 45), messages.slice(45, 90), messages.slice(90));
      expect(numbers(pair.b)).toEqual(range(130));
    }
    expect(drops(pair.b)).toEqual({});
    if (manner === "dead") expect(helper.helped).toBe(0);
    else expect(helper.helped).toBeGreaterThan(0);
  });

  test("all of a read is sealed, in order", async () => {
    const pair = (await Pair.create("seal", "shared")).connect();
    const helper = await helped(pair.a, manner);
    for (let round = 0; goesOn(round, manner === "dead" ? 1 : helper.helped); round++) {
      const filling = round & 127; // of the sequence number too, which shall not wrap
      const messages = superpacket(pair.a, filling);
      expect(messages).toHaveLength(SEGMENTS);
      for (const bytes of messages) pair.b.take(bytes, pair.a.address);
      const packets = pair.b.delivered.splice(0);
      const sequences = packets.map((bytes) => new DataView(bytes.buffer).getUint32(24));
      const first = sequences[0]!;
      expect(sequences).toEqual(range(SEGMENTS).map((i) => first + SEGMENT * i));
      expect(packets.every((bytes) => bytes.subarray(HEADERS).every((byte) => byte === filling))).toBe(true);
    }
    if (manner !== "dead") expect(helper.helped).toBeGreaterThan(0);
    expect(drops(pair.b)).toEqual({});
  });
});

test("forged, repeated and foreign messages among the others are dropped and counted, and nothing else is", async () => {
  const pair = (await Pair.create("forged", "shared")).connect();
  const helper = await helped(pair.b, "well");
  for (let round = 1; goesOn(round - 1, helper.helped); round++) {
    const messages = sealed(pair, 80);
    messages[20]![900]! ^= 1; // data
    messages[33]![messages[33]!.length - 1]! ^= 0x80; // tag
    messages[40]![5]! ^= 1; // receiver index
    messages[41]![0] = 9; // type
    messages[60] = Uint8Array.from(messages[10]!); // seen before
    messages[61]![8]! ^= 0x40; // counter
    receive(pair, messages.slice(0, 45), messages.slice(45));
    const gone = [20, 33, 40, 41, 60, 61];
    expect(numbers(pair.b)).toEqual(range(80).filter((i) => !gone.includes(i)));
    expect(drops(pair.b)).toEqual({
      authentication: 3 * round,
      index: round,
      type: round,
      replay: round,
    });
  }
  expect(helper.helped).toBeGreaterThan(0);
});

test("more messages than the list has room for", async () => {
  const pair = (await Pair.create("many", "shared")).connect();
  const helper = await helped(pair.b, "well");
  for (let round = 0; goesOn(round, helper.helped); round++) {
    const messages = sealed(pair, 700, 40);
    receive(pair, ...range(7).map((i) => messages.slice(100 * i, 100 * (i + 1))));
    // A batch has room for 576 writes, whoever opened it.
    expect(numbers(pair.b)).toEqual(range(576).map((i) => i & 255));
    expect(drops(pair.b)).toEqual({ batch: 124 * (round + 1) });
  }
  expect(helper.helped).toBeGreaterThan(0);
});

test("three threads that take blocks at the same time never take one twice", { timeout: 60_000 }, async () => {
  const pair = (await Pair.create("takers", "shared")).connect();
  const helpers = [await helped(pair.b, "well", 1), await helped(pair.b, "well", 2)];
  const did = () => Math.min(...helpers.map(({ helped }) => helped));
  for (let round = 0; round < 1_000 || goesOn(round, did()); round++) {
    // Short ones, so that blocks are taken often.
    const messages = sealed(pair, 320, 60);
    receive(pair, ...range(8).map((i) => messages.slice(40 * i, 40 * (i + 1))));
    expect(numbers(pair.b)).toEqual(range(320).map((i) => i & 255));
  }
  expect(drops(pair.b)).toEqual({});
});

test("small batches are not shared", async () => {
  const pair = (await Pair.create("small", "shared")).connect();
  const helper = await helped(pair.b, "well");
  for (let round = 0; round < 50; round++) {
    receive(pair, sealed(pair, 8));
    expect(numbers(pair.b)).toEqual(range(8));
  }
  expect(helper.helped).toBe(0);
});

test("two that help: neither leaves anything of a key behind", async () => {
  const pair = (await Pair.create("wiped", "shared")).connect();
  const helpers = [await helped(pair.b, "well", 1), await helped(pair.b, "well", 2)];
  const did = () => Math.min(...helpers.map(({ helped }) => helped));
  for (let round = 0; goesOn(round, did()); round++) {
    const messages = sealed(pair, 90);
    receive(pair, messages.slice(0, 45), messages.slice(45));
    expect(numbers(pair.b)).toEqual(range(90));
    for (const { thread } of helpers) {
      expect(secretScratch(pair.b.engine.core, thread).every((byte) => byte === 0)).toBe(true);
    }
  }
  expect(did()).toBeGreaterThan(0);
});

describe("a thread that dies in the middle of a message", { timeout: 60_000 }, () => {
  test("ends the device that receives it, and nothing of the batch is delivered", async () => {
    const pair = (await Pair.create("dies", "shared")).connect();
    const helper = await helped(pair.b, "stalls");
    for (let round = 0; helper.stalled === 0 && round < ROUNDS_MAX; round++) {
      const messages = sealed(pair, 45);
      const failure = attempt(() => receive(pair, messages));
      const delivered = numbers(pair.b).length;
      expect([failure, delivered]).toEqual(
        helper.stalled ? [expect.stringContaining("does not go on"), 0] : [undefined, 45],
      );
    }
    expect(helper.stalled).toBe(1);
  });

  test("ends the device that sends it, and nothing of the read leaves", async () => {
    const pair = (await Pair.create("dies too", "shared")).connect();
    pair.a.engine.core.exports.setTrainLength(SEGMENTS);
    const helper = await helped(pair.a, "stalls");
    for (let round = 0; helper.stalled === 0 && round < ROUNDS_MAX; round++) {
      const failure = attempt(() => expect(superpacket(pair.a, round & 255)).toHaveLength(SEGMENTS));
      expect(failure).toEqual(helper.stalled ? expect.stringContaining("does not go on") : undefined);
    }
    expect(helper.stalled).toBe(1);
    pair.a.lane.flush();
    expect(pair.a.sent).toEqual([]);
  });
});

function attempt(what: () => void): string | undefined {
  try {
    what();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
