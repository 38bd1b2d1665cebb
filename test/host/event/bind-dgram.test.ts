/** The UDP sockets of the event driver: what they refuse, and that they come and go as they are asked to. */
import { createSocket, Socket } from "node:dgram";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Bind,
  type BindEvents,
  Device,
  DgramBind,
  type Endpoint,
  generatePrivateKey,
  tunPair,
} from "../../../host/index.ts";
import { endpoint, MemoryBind, settle } from "../library/memory-bind.ts";
import { LOOPBACK, SMALL } from "../library/support.ts";

const LENGTH = 60_000;
/** More than may wait to be sent. */
const MANY = 100;

const EVENTS: BindEvents = { receive() {}, lost() {}, failed() {} };

let bind = new DgramBind(LOOPBACK);
afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await bind.close();
  bind = new DgramBind(LOOPBACK);
});

/** What the machine has. */
function interfaces(...addresses: string[]): void {
  const entries = addresses.map((address) => ({ address, family: address.includes(":") ? "IPv6" : "IPv4" }));
  vi.spyOn(os, "networkInterfaces").mockReturnValue({ lo: entries as os.NetworkInterfaceInfo[] });
  syncBuiltinESMExports();
}

function loopback(port: number): Endpoint {
  return { address: Uint8Array.of(127, 0, 0, 1), port, scope: 0 };
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  const free = await new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(true));
  });
  socket.close();
  return free;
}

it("a port that is taken is told as such by errors of another realm, too", async () => {
  const taken = runInNewContext("Object.assign(new Error('bind'), { code: 'EADDRINUSE' })");
  const attempts = vi.spyOn(Socket.prototype, "bind").mockImplementation(function (this: Socket) {
    queueMicrotask(() => this.emit("error", taken));
    return this;
  });
  await expect(bind.open(4000, EVENTS)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  expect(attempts).toHaveBeenCalledTimes(1);
  await expect(bind.open(0, EVENTS)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  expect(attempts.mock.calls.length).toBeGreaterThan(2);
});

it.each([-1, 65_536, 0.5, "1", Symbol("port"), undefined])(
  "a port is not %s, and what is open stays open",
  async (port) => {
    const refused = { code: "OPTION", message: expect.stringContaining("65535") };
    await expect(bind.move(port as never)).rejects.toMatchObject(refused);
    const open = await bind.open(0, EVENTS);
    await expect(bind.move(port as never)).rejects.toMatchObject(refused);
    await expect(bind.open(port as never, EVENTS)).rejects.toMatchObject(refused);
    expect(await isFree(open)).toBe(false);
  },
);

describe("an address that cannot be bound", () => {
  /** Of documentation (RFC 5737, RFC 3849): no machine's. */
  const NOWHERE = { 4: "203.0.113.77", 6: "2001:db8::77" };

  it.each([
    ["IPv4", { ipv4: NOWHERE[4] }],
    ["IPv4, for IPv6 is another", { ipv4: NOWHERE[4], ipv6: "::" }],
    ["IPv6", { ipv4: "127.0.0.1", ipv6: NOWHERE[6] }],
  ])("is an error, and nothing stays open (%s)", async (_what, options) => {
    interfaces("127.0.0.1", "::1");
    const choosy = new DgramBind(options);
    await expect(choosy.open(0, EVENTS)).rejects.toMatchObject({ code: "BIND", cause: { code: expect.any(String) } });
    expect(choosy.send(new Uint8Array(1), loopback(9))).toBe(false);
  });

  it("is none where the machine lacks its family", async () => {
    interfaces("127.0.0.1");
    const choosy = new DgramBind({ ipv4: "127.0.0.1", ipv6: NOWHERE[6] });
    expect(await choosy.open(0, EVENTS)).toBeGreaterThan(0);
    await choosy.close();
  });

  it("is none where it is ::1, and IPv6 is on other interfaces only", async () => {
    interfaces("127.0.0.1", NOWHERE[6]);
    const { bind: bound } = Socket.prototype;
    vi.spyOn(Socket.prototype, "bind").mockImplementation(function (this: Socket, ...args: unknown[]) {
      if ((args[0] as { address: string }).address !== "::1") return Reflect.apply(bound, this, args);
      queueMicrotask(() => this.emit("error", Object.assign(new Error("bind"), { code: "EADDRNOTAVAIL" })));
      return this;
    });
    const both = new DgramBind({ ipv4: "127.0.0.1", ipv6: "::1" });
    expect(await both.open(0, EVENTS)).toBeGreaterThan(0);
    await both.close();
    const alone = new DgramBind({ ipv4: false, ipv6: "::1" });
    await expect(alone.open(0, EVENTS)).rejects.toMatchObject({ code: "BIND", cause: { code: "EADDRNOTAVAIL" } });
  });
});

it("datagrams for port 0 are refused, and take no room from others", async () => {
  const port = await bind.open(0, EVENTS);
  for (let i = 0; i < MANY; i++) expect(bind.send(new Uint8Array(LENGTH), loopback(0))).toBe(false);
  expect(bind.send(new Uint8Array(LENGTH), loopback(port))).toBe(true);
});

it("datagrams that the runtime refuses at once take no room from others", async () => {
  const port = await bind.open(0, EVENTS);
  const send = vi.spyOn(Socket.prototype, "send").mockImplementation(() => {
    throw new Error("refused");
  });
  for (let i = 0; i < MANY; i++) expect(bind.send(new Uint8Array(LENGTH), loopback(port))).toBe(false);
  expect(send).toHaveBeenCalledTimes(MANY);
  send.mockRestore();
  expect(bind.send(new Uint8Array(LENGTH), loopback(port))).toBe(true);
});

it("a datagram that claims to come from port 0 is dropped, and not answered", async () => {
  const [tun] = tunPair();
  const memory = new MemoryBind();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind: memory, limits: SMALL });
  await device.start();
  memory.events?.receive(new Uint8Array(148).fill(1, 0, 1), endpoint(0));
  await settle();
  const { drops } = device.statistics();
  expect([drops.malformed, drops.mac1, memory.sent]).toEqual([1n, 0n, []]);
  await device.close();
});

it("of two calls of open at once the later one stays, and close leaves none", async () => {
  const [first, second] = await Promise.all([bind.open(0, EVENTS), bind.open(0, EVENTS)]);
  expect(second).not.toBe(first);
  expect([await isFree(first), await isFree(second)]).toEqual([true, false]);
  await bind.close();
  expect(await isFree(second)).toBe(true);
});

it("close while open is under way leaves no socket, and no event comes", async () => {
  const receive = vi.fn();
  const opened = bind.open(0, { ...EVENTS, receive });
  const closed = bind.close();
  const port = await opened;
  const other = createSocket("udp4");
  other.send(new Uint8Array(8), port, "127.0.0.1");
  await closed;
  await settle();
  expect(receive).not.toHaveBeenCalled();
  expect(await isFree(port)).toBe(true);
  await new Promise<void>((resolve) => other.close(resolve));
});

it("says when it is nearly full, before it drops anything, and when there is room again", async () => {
  const told: string[] = [];
  const port = await bind.open(0, { ...EVENTS, full: () => told.push("full"), drained: () => told.push("drained") });
  let sent = 0;
  while (told.length === 0 && sent < MANY) sent += Number(bind.send(new Uint8Array(LENGTH), loopback(port)));
  expect(told).toEqual(["full"]);
  // What is under way by then still finds room.
  for (let i = 0; i < 8; i++) expect(bind.send(new Uint8Array(LENGTH), loopback(port))).toBe(true);
  await expect.poll(() => told).toEqual(["full", "drained"]);
  while (bind.send(new Uint8Array(LENGTH), loopback(port)));
  await bind.close();
  expect(told).toEqual(["full", "drained", "full", "drained"]);
});

it("a Tun pauses while the Bind is full", async () => {
  const [tun] = tunPair();
  const calls = [vi.spyOn(tun, "pause"), vi.spyOn(tun, "resume")].map((spy) => () => spy.mock.calls.length);
  const memory = new MemoryBind();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind: memory, limits: SMALL });
  await device.start();
  memory.events?.full?.();
  expect(calls.map((count) => count())).toEqual([1, 0]);
  memory.events?.drained?.();
  expect(calls.map((count) => count())).toEqual([1, 1]);
  await device.close();
});

it("sends again after close and open, whatever was waiting to be sent", async () => {
  const port = await bind.open(0, EVENTS);
  while (bind.send(new Uint8Array(LENGTH), loopback(port)));
  const closed = bind.close();
  expect(bind.send(new Uint8Array(8), loopback(port))).toBe(false);
  await closed;
  await bind.open(port, EVENTS);
  expect(bind.send(new Uint8Array(LENGTH), loopback(port))).toBe(true);
});

/** Takes a moment to open and to close, and counts what was asked of it meanwhile. */
class SlowBind implements Bind {
  #busy = false;
  overlaps = 0;
  port: number | undefined;

  async #take(port: number | undefined): Promise<void> {
    if (this.#busy) this.overlaps += 1;
    this.#busy = true;
    await settle(2);
    this.#busy = false;
    this.port = port;
  }
  async open(port: number): Promise<number> {
    await this.#take(port);
    return port;
  }
  send(): boolean {
    return true;
  }
  close(): Promise<void> {
    return this.#take(undefined);
  }
}

it("a device moves to one port after the other, and tells the last", async () => {
  const [tun] = tunPair();
  const slow = new SlowBind();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind: slow, limits: SMALL });
  const started = device.start();
  await Promise.all([started, device.listen(5001), device.listen(5002), device.listen(5003)]);
  expect([slow.overlaps, slow.port, device.listenPort]).toEqual([0, 5003, 5003]);
  const moves = Promise.allSettled([device.listen(5004), device.listen(5005)]);
  await device.close();
  expect((await moves).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(slow.port).toBeUndefined();
});
