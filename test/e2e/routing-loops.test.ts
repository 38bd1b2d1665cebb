/**
 * Routes that lead a tunnel's own datagrams back into it: by mistake, through another peer (onion routing, which works), or
 * around two tunnels. One packet must not become many for ever. The kernel's script allows 70,000 bytes for ten pings.
 */
import { describe, expect, type TestContext, test } from "vitest";
import { Daemon } from "./support/daemon.ts";
import { sleep, waitFor } from "./support/exec.ts";
import { type Implementation, type Pair, subject, wireguardGo } from "./support/implementations.ts";
import { LoopbackBed } from "./support/loopback-bed.ts";
import { cannotRun } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { ping, reaches } from "./support/traffic.ts";
import { type End, type Family, formatEndpoint, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { formatConfig, makeKeyPair, showDump } from "./support/wireguard.ts";

const families: Family[] = ["ipv4", "ipv6"];
/** For ten pings, as the kernel's script has it. */
const BYTES_MAX = 70_000;
/** What ten pings make in a second where nothing bounds them is tens of thousands. */
const PACKETS_ENDLESS = 5_000;

function withThreads(threads: number): Implementation {
  return { ...subject, name: `${threads} threads`, command: [...subject.command, "--threads", `${threads}`] };
}

function between(program: Implementation): Pair {
  return { name: program.name, near: program, far: program };
}

const programs = subject === wireguardGo ? [] : [subject, withThreads(2)];

interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** What the system has handed to an interface. */
async function handedTo(namespace: Namespace, name: string): Promise<Counted> {
  const text = await namespace.ip("-j", "-s", "link", "show", name);
  return JSON.parse(text)[0].stats64.tx;
}

/** What one interface is handed while ten pings are lost, and after a second once it has come to rest. */
async function lost(from: Namespace, to: string, namespace: Namespace, name: string, size = 56): Promise<Counted> {
  const before = await handedTo(namespace, name);
  await ping(from, to, { count: 10, flood: "flood", size, waitSeconds: 1 });
  await sleep(1000);
  const after = await handedTo(namespace, name);
  return { packets: after.packets - before.packets, bytes: after.bytes - before.bytes };
}

/** How many packets an interface is handed in a second. */
async function packetsASecond(namespace: Namespace, name: string): Promise<number> {
  const before = await handedTo(namespace, name);
  await sleep(1000);
  return (await handedTo(namespace, name)).packets - before.packets;
}

async function droppedLoops(end: End): Promise<number> {
  const text = await end.namespace.run([...subject.command, "show", end.interface, "--stats"]);
  return Number(/reason="loop"\} +(\d+)/.exec(text)?.[1]);
}

/** The route to the far end's outer address leads into the tunnel, and the far end owns it inside. */
async function closeLoop({ near, far }: Tunnel, family: Family): Promise<void> {
  const bits = family === "ipv4" ? 32 : 128;
  const prefixes = [...far.allowedIps(), `${far.outside(family)}/${bits}`].join(",");
  const peer = ["peer", far.keys.publicKey, "allowed-ips", prefixes, "endpoint", far.endpoint(family)];
  await near.daemon.wg("set", near.interface, ...peer);
  expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
  await near.namespace.ip("route", "add", `${far.outside(family)}/${bits}`, "dev", near.interface, "metric", "1");
}

describe.each(programs.map(between))("$name", (pair) => {
  test.for(families)("%s: a route to the endpoint that leads into the tunnel ends at once", async (family, ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    await closeLoop(tunnel, family);
    for (const size of [56, 1380]) {
      const counted = await lost(near.namespace, far.inside("ipv4"), near.namespace, near.interface, size);
      expect(counted.packets).toBeLessThan(100);
      expect(counted.bytes).toBeLessThan(BYTES_MAX);
    }
    expect(await droppedLoops(near)).toBeGreaterThan(0);
    expect(await packetsASecond(near.namespace, near.interface)).toBeLessThan(10);
    // The mistake is mended: all goes on.
    const bits = family === "ipv4" ? 32 : 128;
    await near.namespace.ip("route", "del", `${far.outside(family)}/${bits}`, "dev", near.interface);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  });

  test("onion routing works: a peer is reached through another peer of the same interface", async (ctx) => {
    const { near, onion } = await openOnion(ctx, pair);
    expect((await ping(near.namespace, ONION.far, { count: 3 })).received).toBe(3);
    expect((await ping(onion.namespace, ONION.near, { count: 3, size: 1200 })).received).toBe(3);
    expect((await ping(near.namespace, ONION.far, { count: 3, size: 1380 })).received).toBe(3);
  });

  test("onion routing that loops is silent: a peer's endpoint inside itself, or two inside each other", async (ctx) => {
    const { near, far, onion } = await openOnion(ctx, pair);
    await onion.daemon.wg("set", onion.daemon.interface, "peer", near.keys.publicKey, "remove");
    const inside = ["peer", onion.publicKey, "endpoint", formatEndpoint(ONION.far, ONION.port)];
    await near.daemon.wg("set", near.interface, ...inside);
    const alone = await lost(near.namespace, ONION.far, near.namespace, near.interface);
    expect(alone.bytes).toBeLessThan(BYTES_MAX);
    const other = ["peer", far.keys.publicKey, "endpoint", formatEndpoint(ONION.far, far.port)];
    await near.daemon.wg("set", near.interface, ...other);
    const back = ["peer", onion.publicKey, "endpoint", formatEndpoint(far.inside("ipv4"), ONION.port)];
    await near.daemon.wg("set", near.interface, ...back);
    const both = await lost(near.namespace, far.inside("ipv4"), near.namespace, near.interface);
    expect(both.bytes).toBeLessThan(2 * BYTES_MAX);
    expect(await packetsASecond(near.namespace, near.interface)).toBeLessThan(100);
  });

  test("a loop around two tunnels in two namespaces ends (the kernel's script)", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    const { one, two, outside, topology } = bed;
    const toTwo = formatEndpoint("127.0.0.1", two.port);
    await one.daemon.wg("set", one.daemon.interface, "peer", two.keys.publicKey, "endpoint", toTwo);
    expect(await reaches(one.namespace, two.inside.ipv6, 12_000)).toBe(true);
    const inner = { one: makeKeyPair(), two: makeKeyPair() };
    const nested = async (station: typeof one, other: typeof one, keys: typeof inner.one, peerKey: string) => {
      const daemon = await Daemon.start(topology, station.namespace, subject, topology.interfaceName());
      const endpoint = formatEndpoint(other.inside.ipv6, 51_999);
      const peers = [{ publicKey: peerKey, endpoint, allowedIps: ["10.55.0.0/24"] }];
      const config = formatConfig({ privateKey: keys.privateKey, listenPort: 51_999, peers });
      await daemon.wg("setconf", daemon.interface, topology.file(`${daemon.interface}.conf`, config));
      return daemon;
    };
    const innerOne = await nested(one, two, inner.one, inner.two.publicKey);
    const innerTwo = await nested(two, one, inner.two, inner.one.publicKey);
    await one.namespace.ip("link", "set", innerOne.interface, "netns", outside.name);
    for (const [namespace, daemon, address] of [
      [outside, innerOne, "10.55.0.1/24"],
      [two.namespace, innerTwo, "10.55.0.2/24"],
    ] as const) {
      await namespace.addAddress(daemon.interface, address);
      await namespace.ip("link", "set", daemon.interface, "mtu", "1340", "up");
    }
    expect(await reaches(outside, "10.55.0.2", 10_000)).toBe(true);
    const intoInner = formatEndpoint("10.55.0.2", two.port);
    await one.daemon.wg("set", one.daemon.interface, "peer", two.keys.publicKey, "endpoint", intoInner);
    await two.namespace.ip("link", "del", two.daemon.interface);
    await two.namespace.ip("link", "del", innerTwo.interface);
    const sentBytes = async () => (await showDump(innerOne.interface)).peers[0]!.sentBytes;
    const before = await sentBytes();
    const counted = await lost(outside, "10.55.0.2", outside, innerOne.interface);
    expect((await sentBytes()) - before).toBeLessThan(BYTES_MAX);
    expect(counted.bytes).toBeLessThan(BYTES_MAX);
    const big = await lost(outside, "10.55.0.2", outside, innerOne.interface, 1300);
    expect(big.packets).toBeLessThan(PACKETS_ENDLESS);
    expect(await packetsASecond(outside, innerOne.interface)).toBeLessThan(10);
  });
});

/** Near's outer address goes away while its route stays, so that the system sends from the tunnel's own; then it comes back. */
async function loseAddress({ near, link }: Tunnel, family: Family, then: () => Promise<void>): Promise<void> {
  const [bits, network] = family === "ipv4" ? [24, "198.51.100.0/24"] : [64, "2001:db8:1::/64"];
  await near.namespace.ip("addr", "del", `${near.outside(family)}/${bits}`, "dev", link);
  await near.namespace.ip("route", "replace", network, "dev", link);
  await then();
  await near.namespace.addAddress(link, `${near.outside(family)}/${bits}`);
}

async function endpointAt({ interface: name }: End): Promise<string | undefined> {
  return (await showDump(name)).peers[0]!.endpoint;
}

describe.each(programs.map(between))("$name", (pair) => {
  test.for(families)("%s: a peer that sends from its address inside is not answered there", async (family, ctx) => {
    const tunnel = await openTunnel(ctx, pair, { outer: family });
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const before = await handedTo(far.namespace, far.interface);
    await loseAddress(tunnel, family, async () => {
      await ping(near.namespace, far.inside("ipv4"), { count: 20, waitSeconds: 1 });
      await ping(far.namespace, near.inside("ipv4"), { count: 5, waitSeconds: 1 });
      expect(await endpointAt(far)).toBe(near.endpoint(family));
      expect(await endpointAt(near)).toBe(far.endpoint(family));
    });
    const after = await handedTo(far.namespace, far.interface);
    expect(after.packets - before.packets).toBeLessThan(100);
    expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
    expect(await endpointAt(far)).toBe(near.endpoint(family));
  });

  test("a server at one of its own allowed IPs is followed where the mark leads around the tunnel", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far, link } = tunnel;
    const peer = ["peer", far.keys.publicKey, "allowed-ips", "0.0.0.0/0,::/0"];
    await near.daemon.wg("set", near.interface, "fwmark", "51820", ...peer);
    await near.namespace.ip("route", "add", "default", "dev", near.interface, "table", "51820");
    await near.namespace.ip("rule", "add", "not", "fwmark", "51820", "table", "51820");
    await near.namespace.ip("rule", "add", "table", "main", "suppress_prefixlength", "0");
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await far.namespace.ip("addr", "del", `${far.outside("ipv4")}/24`, "dev", link);
    await far.namespace.addAddress(link, "198.51.100.77/24");
    expect(await reaches(far.namespace, near.inside("ipv4"), 15_000)).toBe(true);
    expect(await endpointAt(near)).toBe(formatEndpoint("198.51.100.77", far.port));
  });
});

test("wireguard-go answers a peer at its address inside, through the tunnel itself", async (ctx) => {
  const tunnel = await openTunnel(ctx, between(wireguardGo), { outer: "ipv6" });
  const { near, far } = tunnel;
  expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  await loseAddress(tunnel, "ipv6", async () => {
    await ping(near.namespace, far.inside("ipv4"), { count: 20, waitSeconds: 1 });
    expect(await endpointAt(far)).toBe(formatEndpoint(near.inside("ipv6"), near.port));
  });
});

test("wireguard-go goes on for ever where the route to the endpoint leads into the tunnel", async (ctx) => {
  const tunnel = await openTunnel(ctx, between(wireguardGo));
  const { near, far } = tunnel;
  await closeLoop(tunnel, "ipv4");
  await ping(near.namespace, far.inside("ipv4"), { waitSeconds: 1 });
  expect(
    await waitFor(async () => (await packetsASecond(near.namespace, near.interface)) > PACKETS_ENDLESS, 15_000),
  ).toBe(true);
});

const ONION = { near: "203.0.114.1", far: "203.0.114.2", port: 52_005 } as const;

/** A second daemon in the far namespace, whose endpoint is the far end's inner address. */
async function openOnion(ctx: TestContext, pair: Pair) {
  if (subject === wireguardGo) cannotRun(ctx, "the bounds are ours");
  const tunnel = await openTunnel(ctx, pair);
  const { near, far, topology } = tunnel;
  expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  const daemon = await Daemon.start(topology, far.namespace, subject, topology.interfaceName());
  const keys = makeKeyPair();
  const peers = [{ publicKey: near.keys.publicKey, allowedIps: [`${ONION.near}/32`] }];
  const config = formatConfig({ privateKey: keys.privateKey, listenPort: ONION.port, peers });
  await daemon.wg("setconf", daemon.interface, topology.file("onion.conf", config));
  await far.namespace.addAddress(daemon.interface, `${ONION.far}/24`);
  await far.namespace.ip("link", "set", daemon.interface, "mtu", "1420", "up");
  await near.namespace.addAddress(near.interface, `${ONION.near}/24`);
  const endpoint = formatEndpoint(far.inside("ipv4"), ONION.port);
  const peer = ["peer", keys.publicKey, "allowed-ips", `${ONION.far}/32`, "endpoint", endpoint];
  await near.daemon.wg("set", near.interface, ...peer);
  expect(await reaches(near.namespace, ONION.far, 12_000)).toBe(true);
  return { ...tunnel, near, far, onion: { daemon, namespace: far.namespace, publicKey: keys.publicKey } };
}
