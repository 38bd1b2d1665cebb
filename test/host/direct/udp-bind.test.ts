/** The fast driver of embedded devices, where this runtime has FFI: what it leaves open, where it answers from, what it refuses. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, expect, it, vi } from "vitest";
import { EAGAIN } from "../../../host/ffi/errno.ts";
import { Device, generatePrivateKey, type Tun, type TunEvents, tunPair } from "../../../host/index.ts";
import { UdpSender } from "../../../host/os/linux/udp-send.ts";
import { closeAll, exchange, introduce, makeNode, type Node, nextPacket, packet } from "../library/support.ts";

const FAST = { bind: undefined, driver: "ffi" } as const;
const descriptors = (): number => readdirSync("/proc/self/fd").length;

let nodes: Node[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll(nodes);
});

async function pair(endpoint = "127.0.0.1"): Promise<[Node, Node]> {
  const two: [Node, Node] = [await makeNode(1, FAST), await makeNode(2, FAST)];
  nodes = two;
  for (const { device } of two) await device.start();
  introduce(two[0], two[1], "endpoint");
  introduce(two[1], two[0], "no endpoint");
  two[0].device.updatePeer(two[1].device.publicKey, { endpoint: `${endpoint}:${two[1].device.listenPort}` });
  return two;
}

it("tells that it runs", async () => {
  const [node] = await pair();
  expect(node.device.statistics().driver).toBe("ffi");
});

it("answers from the address that it was spoken to at", async () => {
  const [near, far] = await pair("127.0.0.2");
  await exchange(near, far, "to the second address");
  await exchange(far, near, "from there");
  expect(near.device.statistics().peers[0]!.endpoint).toBe(`127.0.0.2:${far.device.listenPort}`);
  expect(near.device.statistics().drops.send).toBe(0n);
});

it("carries packets of a burst in order, whatever their sizes", async () => {
  const [near, far] = await pair();
  await exchange(near, far, "first");
  const sizes = [1200, 1200, 1200, 40, 1200, 300, 300, 1, 1200];
  for (const size of sizes) near.host.write(packet(near, far, new Uint8Array(size)));
  const came: number[] = [];
  for (const _ of sizes) came.push((await nextPacket(far)).length - 20);
  expect(came).toEqual(sizes);
});

it("sends what makes a train while more packets come", async () => {
  const [near, far] = await pair();
  await exchange(near, far, "first");
  const sent = () => near.device.statistics().peers[0]!.txBytes;
  const before = sent();
  for (let i = 0; i < 100; i++) near.host.write(packet(near, far, new Uint8Array(1400)));
  expect(sent() - before).toBeGreaterThan(50_000n);
});

it("tells a Tun that the socket is full when the packet that it hands over is through, and that it has room again", async () => {
  const told: string[] = [];
  let events: TunEvents | undefined;
  const tun: Tun = {
    open: (given) => {
      events = given;
    },
    write: () => true,
    pause: () => void told.push("paused"),
    resume: () => void told.push("resumed"),
    close() {},
  };
  nodes = [await makeNode(1, { ...FAST, tun }), await makeNode(2, FAST)];
  const [near, far] = nodes as [Node, Node];
  for (const { device } of nodes) await device.start();
  introduce(near, far, "endpoint");
  introduce(far, near, "no endpoint");
  events!.receive(packet(near, far, new Uint8Array(8)));
  await nextPacket(far);
  vi.spyOn(UdpSender.prototype, "send").mockImplementation(function (this: UdpSender, _fd, family, _at, count) {
    if (family === 6) return 0;
    this.errors.fill(EAGAIN, 0, count);
    return count;
  });
  for (let i = 0; i < 100 && events!.hasRoom!(); i++) events!.receive(packet(near, far, new Uint8Array(1400)));
  expect([events!.hasRoom!(), ...told]).toEqual([false]);
  vi.restoreAllMocks();
  await expect.poll(() => told).toEqual(["paused", "resumed"]);
  expect(events!.hasRoom!()).toBe(true);
  events!.receive(packet(near, far, Uint8Array.of(1, 2, 3)));
  expect([...(await nextPacket(far)).subarray(20)]).toEqual([1, 2, 3]);
});

it("closes every descriptor, also of ports that were taken", async () => {
  const taken = createSocket("udp4");
  taken.bind({ port: 0, address: "127.0.0.1", exclusive: true });
  await once(taken, "listening");
  const before = descriptors();
  const [near, far] = await pair();
  await exchange(near, far, "hello");
  const open = descriptors();
  for (let i = 0; i < 3; i++)
    await expect(near.device.listen(taken.address().port)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  expect(descriptors()).toBe(open);
  await exchange(near, far, "still here");
  await closeAll([near, far]);
  taken.close();
  await once(taken, "close");
  expect(descriptors()).toBe(before - 1);
});

it("does not go with a Bind of one's own", async () => {
  const [tun] = tunPair();
  const bind = { open: () => 1, send: () => true, close: () => {} };
  const made = Device.create({ privateKey: generatePrivateKey(), tun, bind, driver: "ffi" });
  await expect(made).rejects.toMatchObject({ code: "OPTION", nextStep: expect.stringContaining("driver") });
});

it("is the main thread's: on others it is refused when asked for, and otherwise done without", async () => {
  const worker = new Worker(new URL("worker.ts", import.meta.url));
  const [told] = await once(worker, "message");
  expect(told).toEqual({ asked: "FFI_THREAD", auto: "portable" });
  await worker.terminate();
});
