/** Datagrams that came to a full socket: the system dropped them, and both drivers count them. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, expect, it, vi } from "vitest";
import { socketDrops } from "../../../host/event/socket-drops.ts";
import { Device, DgramBind, generatePrivateKey, tunPair } from "../../../host/index.ts";
import { MemoryBind } from "../library/memory-bind.ts";
import { LOOPBACK, SMALL } from "../library/support.ts";

/** More than the largest buffer that a program may ask for has room for, and of no type that there is. */
const BYTES = 60_000;
const SENT = 1000;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const end of ends.splice(0)) await end();
});

async function sender(): Promise<Socket> {
  const socket = createSocket("udp4");
  ends.push(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** While nobody receives: this thread is busy until the last one has been sent. */
async function flood(port: number): Promise<void> {
  const socket = await sender();
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  const datagram = new Uint8Array(BYTES).fill(9);
  for (let i = 0; i < SENT; i++) socket.send(datagram);
  expect(socket.getSendQueueCount()).toBe(0);
}

async function start(bind: { driver: "ffi" } | { bind: DgramBind }): Promise<Device> {
  const [tun] = tunPair();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, limits: SMALL, ...bind });
  ends.push(() => device.close());
  await device.start();
  return device;
}

it.each([
  ["portable", () => ({ bind: new DgramBind(LOOPBACK) })],
  ["ffi", () => ({ driver: "ffi" }) as const],
])("what has no room is counted, and all else comes: %s", async (_driver, options) => {
  const device = await start(options());
  await flood(device.listenPort!);
  const counts = () => device.statistics().drops;
  await expect.poll(() => counts().type + counts().bind, { timeout: 20_000 }).toBe(BigInt(SENT));
  expect(counts().bind).toBeGreaterThan(0n);
  const { bind } = counts();
  await device.listen(0);
  expect(counts().bind).toBe(bind);
});

it("a socket is found by its address and port, and one that is not there has dropped nothing", async () => {
  const socket = await sender();
  const { port } = socket.address();
  expect(socketDrops(4, "127.0.0.1", port)).toBe(0n);
  await flood(port);
  const drops = socketDrops(4, "127.0.0.1", port);
  expect(drops).toBeGreaterThan(0n);
  for (const [family, address] of [
    [4, "127.0.0.2"],
    [4, "0.0.0.0"],
    [6, "::1"],
  ] as const) {
    expect(socketDrops(family, address, port)).toBe(0n);
  }
});

it("IPv6 sockets are found too", async () => {
  const socket = createSocket({ type: "udp6", ipv6Only: true });
  ends.push(() => socket.close());
  socket.bind(0, "::1");
  await once(socket, "listening");
  const { port } = socket.address();
  const other = createSocket("udp6");
  ends.push(() => other.close());
  other.connect(port, "::1");
  await once(other, "connect");
  for (let i = 0; i < SENT; i++) other.send(new Uint8Array(BYTES));
  expect(socketDrops(6, "::1", port)).toBeGreaterThan(0n);
});

it("a Deno that may not read /proc is not asked to", () => {
  const asked: unknown[] = [];
  const querySync = (descriptor: unknown) => {
    asked.push(descriptor);
    return { state: "prompt" };
  };
  vi.stubGlobal("Deno", { permissions: { querySync } });
  expect(socketDrops(4, "0.0.0.0", 53)).toBe(0n);
  expect(asked).toEqual([{ name: "read", path: "/proc" }]);
});

it("a Bind of others says what it dropped, or throws", async () => {
  const failures: unknown[] = [];
  const bind = Object.assign(new MemoryBind(), { drops: 7n });
  const [tun] = tunPair();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind, limits: SMALL });
  ends.push(() => device.close());
  device.on("error", (error) => failures.push(error));
  await device.start();
  expect(device.statistics().drops.bind).toBe(7n);
  Object.defineProperty(bind, "drops", {
    get() {
      throw new Error("no");
    },
  });
  expect(device.statistics().drops.bind).toBe(0n);
  await expect.poll(() => failures.length).toBe(1);
});
