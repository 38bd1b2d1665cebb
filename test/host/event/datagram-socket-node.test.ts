/** Sockets of node:dgram as Deno has them: their buffer sizes are those of what is allocated for each datagram. On Node's, with Deno's answers. */
import { Socket } from "node:dgram";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DatagramSocket } from "../../../host/event/datagram-socket.ts";
import { openNodeSocket } from "../../../host/event/datagram-socket-node.ts";
import { Device, DgramBind, generatePrivateKey, tunPair } from "../../../host/index.ts";
import { LOOPBACK, SMALL } from "../library/support.ts";

const DENO_DEFAULT = 65_536;

/** Room for a datagram, as it was asked for. */
let rooms: number[] = [];
/** Buffer that Deno says there is before it is asked for another. */
let first = DENO_DEFAULT;
let refuses = false;
let socket: DatagramSocket | undefined;

beforeEach(() => {
  rooms = [];
  first = DENO_DEFAULT;
  refuses = false;
  vi.stubGlobal("Deno", { permissions: { querySync: () => ({ state: "denied" }) } });
  vi.spyOn(Socket.prototype, "getRecvBufferSize").mockImplementation(() => first);
  vi.spyOn(Socket.prototype, "setRecvBufferSize").mockImplementation((bytes) => {
    if (refuses) throw new TypeError("not to be set");
    rooms.push(process.platform === "linux" ? 2 * bytes : bytes);
  });
});
afterEach(async () => {
  await socket?.close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** @returns lengths of what was received, and what makes it come */
async function open(longest: number): Promise<{ came: number[]; comes(length: number): void }> {
  const came: number[] = [];
  const on = vi.spyOn(Socket.prototype, "on");
  socket = await openNodeSocket({
    family: 4,
    address: "127.0.0.1",
    port: 0,
    longest,
    events: { received: ({ length }) => came.push(length), lost() {}, failed() {}, full() {}, drained() {} },
  });
  const [, receive] = on.mock.calls.findLast(([event]) => event === "message")!;
  const sender = { address: "127.0.0.1", port: 9 };
  return { came, comes: (length) => (receive as (...args: unknown[]) => void)(new Uint8Array(length), sender) };
}

it("there is room for usual datagrams, and for all from the first one on that fills it", async () => {
  const { came, comes } = await open(1467);
  expect(rooms).toEqual([2048]);
  for (const length of [2047, 2048, 5000]) comes(length);
  expect(rooms).toEqual([2048, 65_536]);
  expect(came).toEqual([2047, 2048, 5000]);
});

it.each([
  [2047, 2048],
  [2048, 4096],
  [9047, 10_240],
  [65_535, 65_536],
  [65_582, 65_536],
])("where datagrams of %s bytes are to be expected there is room for %s at once", async (longest, room) => {
  const { comes } = await open(longest);
  comes(longest);
  expect(rooms).toEqual([room]);
});

it("a buffer of the system's own is left as it is", async () => {
  first = 212_992;
  const { came, comes } = await open(1467);
  comes(2048);
  expect([rooms, came]).toEqual([[], [2048]]);
});

it("a socket whose room cannot be changed receives all the same", async () => {
  refuses = true;
  const { came, comes } = await open(1467);
  comes(2048);
  refuses = false;
  comes(2048);
  expect([rooms, came]).toEqual([[], [2048, 2048]]);
});

it("what cannot be had any more when a datagram fills the room harms nobody", async () => {
  const { came, comes } = await open(1467);
  refuses = true;
  comes(2048);
  expect(came).toEqual([2048]);
});

it.each([
  [undefined, 2048],
  [2000, 2048],
  [2001, 4096],
  [9000, 10_240],
])("a device with an MTU of %s makes room for datagrams of %s bytes", async (mtu, room) => {
  const [tun] = tunPair();
  const bind = new DgramBind(LOOPBACK);
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind, mtu, limits: SMALL });
  await device.start();
  expect(rooms).toEqual([room]);
  await device.close();
});
