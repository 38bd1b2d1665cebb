/** Trains on sockets that take datagrams one by one: their arrays are used again, unless somebody still reads them. */
import { Socket } from "node:dgram";
import { afterEach, expect, it, vi } from "vitest";
import { MESSAGE_BYTES_MAX } from "../../../host/core/codes.ts";
import type { DatagramSocket } from "../../../host/event/datagram-socket.ts";
import { openNodeSocket } from "../../../host/event/datagram-socket-node.ts";
import { TrainCopy } from "../../../host/event/train-copy.ts";

const SEGMENT = 10;

/** Four datagrams of `byte`, the last one short. */
const trainOf = (byte: number) => new Uint8Array(3 * SEGMENT + 5).fill(byte);

it.each([
  [35, [10, 10, 10, 5]],
  [30, [10, 10, 10]],
  [5, [5]],
])("a train of %s bytes has datagrams of %j", (bytes, lengths) => {
  const copy = new TrainCopy();
  const train = Uint8Array.from({ length: bytes }, (_, i) => i);
  for (let times = 0; times < 2; times++) {
    const datagrams = copy.split(train, SEGMENT);
    expect(datagrams.map(({ length }) => length)).toEqual(lengths);
    expect(datagrams.flatMap((datagram) => [...datagram])).toEqual([...train]);
  }
});

it("another length, fewer and more datagrams come out whole", () => {
  const copy = new TrainCopy();
  for (const [bytes, segment] of [
    [40, 10],
    [20, 10],
    [60, 10],
    [60, 7],
    [65_000, 1452],
  ] as const) {
    const train = Uint8Array.from({ length: bytes }, (_, i) => i * segment);
    const datagrams = copy.split(train, segment);
    expect(datagrams.length).toBe(Math.ceil(bytes / segment));
    expect(Buffer.concat(datagrams).equals(train)).toBe(true);
  }
});

it("arrays are used again, but not those that were given away", () => {
  const copy = new TrainCopy();
  const [first] = copy.split(trainOf(1), SEGMENT);
  expect(copy.split(trainOf(2), SEGMENT)[0]).toBe(first);
  copy.giveAway();
  copy.split(trainOf(3), SEGMENT);
  expect(first![0]).toBe(2);
});

let socket: DatagramSocket | undefined;
afterEach(async () => {
  await socket?.close();
  vi.restoreAllMocks();
});

type Done = (error: Error | null) => void;

/** A socket of Node whose system sends nothing, and says so when it is asked. */
async function open(queued: number) {
  const told: string[] = [];
  const events = {
    received() {},
    failed() {},
    lost: (cause: unknown) => void told.push(cause instanceof Error ? cause.message : "lost"),
    full: () => void told.push("full"),
    drained: () => void told.push("drained"),
  };
  socket = await openNodeSocket({ family: 4, address: "127.0.0.1", port: 0, longest: 1500, events });
  vi.spyOn(Socket.prototype, "getSendQueueCount").mockImplementation(() => queued);
  const given: Uint8Array[] = [];
  const done: Done[] = [];
  vi.spyOn(Socket.prototype, "send").mockImplementation(((
    datagram: Uint8Array,
    _port: number,
    _to: string,
    cb: Done,
  ) => {
    given.push(datagram);
    done.push(cb);
  }) as never);
  return {
    told,
    given,
    done,
    send: (train: Uint8Array, segment = SEGMENT) => socket!.sendTrain!(train, segment, 9, "::"),
  };
}

it.each([
  [0, "is written over by the next train", 2],
  [1, "keeps its bytes", 1],
])("a datagram of a socket with %s unsent %s", async (queued, _what, byte) => {
  const { given, send } = await open(queued);
  send(trainOf(1));
  send(trainOf(2));
  expect(given.map(({ length }) => length)).toEqual([10, 10, 10, 5, 10, 10, 10, 5]);
  expect(given[0]![0]).toBe(byte);
});

it("each datagram that fails is told as lost", async () => {
  const { told, done, send } = await open(0);
  send(trainOf(1));
  for (const [i, confirm] of done.entries()) confirm(i === 1 || i === 3 ? new Error(`no ${i}`) : null);
  expect(told).toEqual(["no 1", "no 3"]);
});

it("a socket with much unsent is full, then drops, and is told to have room once", async () => {
  const { told, done, send } = await open(40);
  const sent = 65_000;
  for (let bytes = 0; bytes + sent <= 4 << 20; bytes += sent) send(new Uint8Array(sent), 6500);
  expect(told).toContain("full");
  expect(told).not.toContain("lost");
  send(new Uint8Array(sent), 6500);
  expect(told).toContain("lost");
  told.length = 0;
  for (const confirm of done) confirm(null);
  expect(told).toEqual(["drained"]);
});

it("what waits in a socket holds no more memory than is counted, and one array", async () => {
  const { given, send } = await open(1);
  for (let i = 0; i < 100; i++) send(new Uint8Array(2 * SEGMENT).fill(i));
  expect(given.map(([byte]) => byte)).toEqual(Array.from({ length: 200 }, (_, i) => i >> 1));
  const held = new Set(given.map(({ buffer }) => buffer));
  const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(bytes).toBeLessThanOrEqual(MESSAGE_BYTES_MAX + 100 * 2 * SEGMENT);
});

it("a train whose bytes are kept is copied, whatever it is, and has the same datagrams", () => {
  const train = Buffer.from(trainOf(1));
  const datagrams = new TrainCopy().splitToKeep(train, SEGMENT);
  train.fill(2);
  expect(datagrams.map(({ length }) => length)).toEqual([10, 10, 10, 5]);
  expect(Buffer.concat(datagrams).equals(trainOf(1))).toBe(true);
});

it("the datagrams of the first train that waits keep their bytes for good", async () => {
  const { given, send } = await open(0);
  let queued: "as sent" | "none" = "as sent";
  vi.spyOn(Socket.prototype, "getSendQueueCount").mockImplementation(() => (queued === "as sent" ? given.length : 0));
  send(trainOf(1));
  queued = "none";
  send(trainOf(2));
  expect(given.map(([byte]) => byte)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});
