/** The network stack as the inside of a device: two devices in one process, each with a stack, through a tunnel. */
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { MemoryBind } from "../../../bench/net/memory-bind.ts";
import { Device, generatePrivateKey, publicKeyOf } from "../../../host/index.ts";
import { StackTun } from "../../../host/library/stack-tun.ts";
import { IpAddress } from "../../../host/net/address.ts";
import type { TcpStream } from "../../../host/net/tcp/face.ts";
import { exchange, PORT } from "../../net/pair.ts";
import { settle } from "./memory-bind.ts";

const devices: Device[] = [];
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()));
});

/** @param sent hears of the trains that the near one sends */
async function tunnel(sent: (datagrams: number) => void = () => {}): Promise<[StackTun, StackTun]> {
  const binds = [new MemoryBind(1), new MemoryBind(2)] as const;
  const sendTrain = binds[0].sendTrain.bind(binds[0]);
  binds[0].sendTrain = (train, segment) => {
    sent(Math.ceil(train.length / segment));
    return sendTrain(train, segment);
  };
  MemoryBind.join(...binds);
  const keys = [await generatePrivateKey(), await generatePrivateKey()] as const;
  const tuns: [StackTun, StackTun] = [
    new StackTun({ addresses: ["10.0.0.1", "fd00::1"].map((text) => IpAddress.parse(text)!) }),
    new StackTun({ addresses: ["10.0.0.2", "fd00::2"].map((text) => IpAddress.parse(text)!) }),
  ];
  for (const i of [0, 1] as const) {
    const other = 2 - i;
    const publicKey = await publicKeyOf(keys[1 - i]!);
    const allowedIps = [`10.0.0.${other}/32`, `fd00::${other}/128`];
    const peers = [{ publicKey, endpoint: `192.0.2.${other}:51820`, allowedIps }];
    const device = await Device.create({ privateKey: keys[i], tun: tuns[i], bind: binds[i], peers });
    devices.push(device);
    await device.start();
  }
  return tuns;
}

function connect(from: StackTun, to: string): TcpStream {
  const stream = from.stack.tcp.connect({ remote: IpAddress.parse(to)!, remotePort: PORT });
  if (typeof stream === "string") throw new Error(stream);
  return stream;
}

test.each(["10.0.0.2", "fd00::2"])("two megabytes pass each way, to %s", async (address) => {
  const [near, far] = await tunnel();
  const server = far.stack.tcp.listen({ port: PORT, acceptable: () => accepted() });
  if (typeof server === "string") throw new Error(server);
  let back: ReturnType<typeof exchange> | undefined;
  const accepted = () => {
    back = exchange(server.accept()!, 2_000_000, { salt: 1 });
  };
  const there = exchange(connect(near, address), 2_000_000, { salt: 0 });
  await expect.poll(() => there.closed && back?.closed, { timeout: 25_000 }).toBe(true);
  expect([there.failure, back?.failure]).toEqual([undefined, undefined]);
  expect([there.reader.read, back?.reader.read]).toEqual([2_000_000, 2_000_000]);
});

test("a request waits for the handshake, and is sent once", async () => {
  const [near, far] = await tunnel();
  const server = far.stack.tcp.listen({ port: PORT });
  const stream = connect(near, "10.0.0.2");
  await expect.poll(() => stream.state, { timeout: 25_000 }).toBe("ESTABLISHED");
  expect(near.stack.counters.read("tcpRetransmits")).toBe(0);
  expect(stream.statistics().rttMs).toBeLessThan(1000);
  expect(server).not.toBeTypeOf("string");
});

test("superpackets pass: many segments in few packets, both ways", async () => {
  const [near, far] = await tunnel();
  const server = far.stack.tcp.listen({ port: PORT, acceptable: () => accepted() });
  if (typeof server === "string") throw new Error(server);
  let back: ReturnType<typeof exchange> | undefined;
  const accepted = () => {
    back = exchange(server.accept()!, 0, { salt: 1 });
  };
  const there = exchange(connect(near, "10.0.0.2"), 3_000_000, { salt: 0, piece: 300_000 });
  await expect.poll(() => there.closed && back?.closed, { timeout: 25_000 }).toBe(true);
  const segments = 3_000_000 / 1368;
  expect(near.stack.counters.read("packetsOut")).toBeLessThan(segments / 4);
  expect(far.stack.counters.read("packetsIn")).toBeLessThan(segments / 2);
});

test("what is written as soon as a connection is made goes along with the end of its handshake", async () => {
  const [near, far] = await tunnel();
  far.stack.tcp.listen({ port: PORT });
  let drained = false;
  const remote = IpAddress.parse("10.0.0.2")!;
  const handler = {
    connected: () => void (stream as TcpStream).write(new Uint8Array(10), "lent"),
    drained: () => {
      drained = true;
    },
  };
  const stream = near.stack.tcp.connect({ remote, remotePort: PORT, handler });
  await expect.poll(() => drained, { timeout: 25_000 }).toBe(true);
  // A busy machine may take so long that something is sent again.
  const { counters } = near.stack;
  expect(counters.read("tcpSegmentsOut") - counters.read("tcpRetransmits")).toBe(2);
});

test("requests for connections that are asked for together leave together", async () => {
  const trains: number[] = [];
  const [near, far] = await tunnel((datagrams) => trains.push(datagrams));
  const server = far.stack.tcp.listen({ port: PORT });
  if (typeof server === "string") throw new Error(server);
  // The tunnel's handshake is behind us, and so is all of this connection's.
  connect(near, "10.0.0.2");
  await expect.poll(() => server.accept(), { timeout: 25_000 }).toBeDefined();
  trains.length = 0;
  const streams = Array.from({ length: 8 }, () => connect(near, "10.0.0.2"));
  await expect.poll(() => streams.every(({ state }) => state === "ESTABLISHED"), { timeout: 25_000 }).toBe(true);
  expect(trains[0]).toBe(8);
});

test("sends nothing where there is no room for it, although it is not paused yet", () => {
  const tun = new StackTun({ addresses: [IpAddress.parse("10.0.0.1")!] });
  let hasRoom = false;
  const place = { bytes: new Uint8Array(2000), at: 0, send() {}, ready: () => true };
  tun.open({ receive() {}, failed() {}, place: () => place, hasRoom: () => hasRoom });
  expect(tun.reserve(100)).toBe(-1);
  hasRoom = true;
  expect(tun.reserve(100)).toBe(0);
  tun.close();
});

test("what it waits for keeps the process alive, or does not, as its device does", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => void timers.mockRestore());
  const alive = (): boolean => timers.mock.results.at(-1)?.value.hasRef();
  const tun = new StackTun({ addresses: [IpAddress.parse("10.0.0.1")!] });
  const place = { bytes: new Uint8Array(70_000), at: 0, send() {}, ready: () => true };
  tun.open({ receive() {}, failed() {}, place: () => place });
  tun.unref();
  connect(tun, "10.0.0.2");
  await settle(2);
  expect(alive()).toBe(false);
  tun.ref();
  expect(alive()).toBe(true);
  tun.close();
});

test("its timers may be numbers, as browsers' are", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout").mockImplementation((() => 5) as never);
  onTestFinished(() => void timers.mockRestore());
  const tun = new StackTun({ addresses: [IpAddress.parse("10.0.0.1")!] });
  const place = { bytes: new Uint8Array(70_000), at: 0, send() {}, ready: () => true };
  tun.open({ receive() {}, failed() {}, place: () => place });
  connect(tun, "10.0.0.2");
  await settle(2);
  expect(timers).toHaveBeenCalled();
  tun.unref();
  tun.close();
});
