// The daemon's whole driver for macOS against a stand-in for its kernel and C library, for both processors: it has never run on a Mac.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { udpPacket } from "../../../../host/cli/demo/packets.ts";
import { Engine } from "../../../../host/engine/engine.ts";
import { REST_MS } from "../../../../host/os/burst.ts";
import type { Processor } from "../../../support/darwin/library.ts";
import { Network } from "../../../support/darwin/network.ts";
import { openTunnel, pause, ping, route, type Side, type TunnelOptions, until } from "./support/bed.ts";

const NEAR = "192.0.2.1";
const FAR = "192.0.2.2";
const FAR6 = "2001:db8:0:0:0:0:0:2";
const KEEPALIVE_BYTES = 32;

let network: Network;
let sides: Side[];

beforeEach(() => {
  network = new Network();
  sides = [];
});
afterEach(async () => {
  for (const { daemon } of sides) {
    await daemon.stop();
    expect(daemon.process.descriptors.size).toBe(0);
  }
});

async function open(options: Partial<TunnelOptions> = {}): Promise<{ near: Side; far: Side }> {
  const tunnel = await openTunnel(network, { near: { addresses: [NEAR] }, far: { addresses: [FAR] }, ...options });
  sides.push(tunnel.near, tunnel.far);
  return tunnel;
}

describe.each<Processor>(["x86_64", "aarch64"])("on %s", (processor) => {
  const daemons = { nearDaemon: { processor }, farDaemon: { processor } };

  test("a tunnel carries pings of both families both ways", async () => {
    const { near, far } = await open(daemons);
    for (const family of [4, 6] as const) {
      for (const sequence of [1, 2, 3]) {
        await ping(near, far, family, 10 * family + sequence);
        await ping(far, near, family, 20 * family + sequence);
      }
    }
    for (const { daemon } of [near, far]) {
      expect(Number(await daemon.get("last_handshake_time_sec"))).toBeGreaterThan(0);
      expect(Number(await daemon.get("rx_bytes"))).toBeGreaterThan(0);
      expect(daemon.errors).toEqual([]);
      expect(daemon.process.careless()).toEqual([]);
    }
  });

  test("and outside of it by IPv6", async () => {
    const { near, far } = await open({
      ...daemons,
      near: { addresses: [NEAR, "2001:db8:0:0:0:0:0:1"] },
      far: { addresses: [FAR, FAR6] },
      endpoint: FAR6,
    });
    await ping(near, far, 4, 1);
    await ping(far, near, 6, 2);
    expect(network.sent.every(({ to }) => to.address.includes(":"))).toBe(true);
    expect(await far.daemon.get("endpoint")).toBe("[2001:db8::1]:51820");
  });

  test("packets in numbers arrive whole and in order, both ways at once", async () => {
    const { near, far } = await open(daemons);
    await ping(near, far, 4, 1);
    const COUNT = 2000;
    const packets = (from: Side, to: Side): Uint8Array[] =>
      Array.from({ length: COUNT }, (_, i) => {
        const packet = udpPacket(route(from, to, i % 2 === 0 ? 4 : 6), 100 + ((i * 37) % 1300));
        packet.set([i >> 8, i & 0xff], packet.length - 2);
        return packet;
      });
    const ways = [
      { from: near, to: far, sent: packets(near, far) },
      { from: far, to: near, sent: packets(far, near) },
    ];
    for (const { to } of ways) to.daemon.utun.received.length = 0;
    for (let i = 0; i < COUNT; i += 100) {
      for (const { from, sent } of ways) for (const packet of sent.slice(i, i + 100)) from.daemon.utun.send(packet);
      await pause(1);
    }
    for (const { to, sent } of ways) {
      await until("all packets", () => to.daemon.utun.received.length >= COUNT);
      expect(to.daemon.utun.received.map((packet) => Buffer.from(packet).toString("hex"))).toEqual(
        sent.map((packet) => Buffer.from(packet).toString("hex")),
      );
    }
  });
});

test("a peer that moves is followed, and a peer of one that moves is reached", async () => {
  const { near, far } = await open();
  await ping(near, far, 4, 1);
  near.daemon.mac.move(["198.51.100.7"]);
  await ping(near, far, 4, 2);
  expect(await far.daemon.get("endpoint")).toBe("198.51.100.7:51820");
  await ping(far, near, 6, 3);
  expect(network.sent.at(-1)!.from.address).toBe("198.51.100.7");
});

test("answers leave from the address that was asked", async () => {
  const { near, far } = await open({ far: { addresses: [FAR, "192.0.2.99"] }, endpoint: "192.0.2.99" });
  await ping(near, far, 4, 1);
  await ping(far, near, 4, 2);
  const answers = network.sent.filter(({ to }) => to.address === NEAR);
  expect(new Set(answers.map(({ from }) => from.address))).toEqual(new Set(["192.0.2.99"]));
  // That address goes, and nobody is told of it: the next datagram leaves from another one all the same.
  far.daemon.mac.hasAddress = (address) => address === FAR;
  far.daemon.utun.send(udpPacket(route(far, near, 4), 100));
  await until("a datagram from the other address", () => network.sent.at(-1)!.from.address === FAR);
});

test("sessions are replaced under traffic", async () => {
  const { near, far } = await open({ nearDaemon: { rekeyAfterMs: 300 } });
  const initiations = (): number => network.sent.filter(({ bytes }) => bytes[0] === 1 && bytes.length === 148).length;
  const deadline = performance.now() + 20_000;
  for (let sequence = 1; initiations() < 2; sequence++) {
    expect(performance.now()).toBeLessThan(deadline);
    await ping(near, far, 4, sequence);
    await ping(far, near, 4, 0x8000 + sequence);
    await pause(20);
  }
});

test("handshakes leave as network control, and what is inside is marked outside", async () => {
  const { near, far } = await open();
  const packet = udpPacket(route(near, far, 4), 200);
  await ping(near, far, 4, 1);
  const handshakes = network.sent.filter(({ bytes }) => bytes[0] === 1 || bytes[0] === 2);
  expect(handshakes.map(({ tos }) => tos)).toEqual([0x88, 0x88]);
  // ECT(0); the header's checksum goes with it.
  packet[1] = 2;
  const checksum = ((packet[10]! << 8) | packet[11]!) - 2;
  packet.set([checksum >> 8, checksum & 0xff], 10);
  far.daemon.utun.received.length = 0;
  near.daemon.utun.send(packet);
  await until("the packet", () => far.daemon.utun.received.length > 0);
  expect(network.sent.filter(({ bytes }) => bytes.length > 200).map(({ tos }) => tos)).toEqual([2]);
});

test("padding follows the MTU of the interface", async () => {
  const { near, far } = await open();
  await ping(near, far, 4, 1);
  const { name } = near.daemon.utun.device;
  const sizes: number[] = [];
  for (const mtu of [1420, 1000, 1500]) {
    near.daemon.mac.configure(name, { mtu });
    // The news and the packet come by different ways.
    await near.daemon.get("listen_port");
    const before = network.sent.length;
    near.daemon.utun.send(udpPacket(route(near, far, 4), 998));
    const sent = await until("the packet", () => network.sent.slice(before).find(({ bytes }) => bytes.length > 500));
    sizes.push(sent.bytes.length - KEEPALIVE_BYTES);
  }
  // Whole blocks of 16 bytes, but never longer than the MTU.
  expect(sizes).toEqual([1008, 1000, 1008]);
});

test("while the interface is down nothing passes, and when it is up again all does", async () => {
  const { near, far } = await open();
  await ping(near, far, 4, 1);
  const { name } = far.daemon.utun.device;
  far.daemon.mac.configure(name, { up: false });
  await until("closed sockets", () => far.daemon.mac.udpSockets.size === 0);
  far.daemon.utun.received.length = 0;
  near.daemon.utun.send(udpPacket(route(near, far, 4), 100));
  await pause(50);
  expect(far.daemon.utun.received).toEqual([]);
  far.daemon.mac.configure(name, { up: true });
  await until("open sockets", () => far.daemon.mac.udpSockets.size === 2);
  // A new session: down took the one before.
  await ping(far, near, 6, 2);
  await ping(near, far, 4, 3);
});

test("an endpoint that the routes lead into the tunnel is not followed there", async () => {
  const { near, far } = await open();
  await ping(near, far, 4, 1);
  // Near loses its address outside, and sends from the one inside, as a host does whose default route is the tunnel.
  near.daemon.mac.move(["10.7.0.1"]);
  far.daemon.mac.routes.set("10.7.0.", far.daemon.utun.device.index);
  near.daemon.utun.send(udpPacket(route(near, far, 4), 100));
  await until("a datagram from inside", () => network.sent.at(-1)!.from.address === "10.7.0.1");
  await pause(20);
  expect(await far.daemon.get("endpoint")).toBe(`${NEAR}:51820`);
});

test("a flood of changed routes has sources chosen anew once a rest", async () => {
  const { near } = await open();
  const clear = vi.spyOn(Engine.prototype, "clearSources");
  try {
    const begin = performance.now();
    for (let i = 0; i < 60; i++) {
      near.daemon.mac.move([NEAR]);
      await pause(1);
    }
    await until("sources chosen anew", () => clear.mock.calls.length > 0);
    const rests = Math.ceil((performance.now() - begin) / REST_MS);
    // Those of the far end, too, which may still hear of its own start.
    expect(clear.mock.calls.length).toBeLessThanOrEqual(2 * (1 + rests));
  } finally {
    clear.mockRestore();
  }
});
