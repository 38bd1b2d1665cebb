/** The UDP sockets of the event driver: what they refuse, and that they come and go as they are asked to. */
import { Socket } from "node:dgram";
import { afterEach, expect, it, vi } from "vitest";
import {
  type BindEvents,
  Device,
  DgramBind,
  type Endpoint,
  generatePrivateKey,
  tunPair,
} from "../../../../host/index.ts";
import { endpoint, MemoryBind, settle } from "./memory-bind.ts";
import { LOOPBACK, SMALL } from "./support.ts";

const LENGTH = 60_000;
/** More than may wait to be sent. */
const MANY = 100;

const EVENTS: BindEvents = { receive() {}, lost() {}, failed() {} };

let bind = new DgramBind(LOOPBACK);
afterEach(async () => {
  vi.restoreAllMocks();
  await bind.close();
  bind = new DgramBind(LOOPBACK);
});

function loopback(port: number): Endpoint {
  return { address: Uint8Array.of(127, 0, 0, 1), port, scope: 0 };
}

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
