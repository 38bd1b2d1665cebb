/**
 * What the system does to the tunnel's interface and sockets while they are in use: MTU, up and down, mark, port,
 * another namespace.
 */
import { describe, expect, type TestContext, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { waitFor } from "./support/exec.ts";
import { type Pair, pairs } from "./support/implementations.ts";
import { LoopbackBed } from "./support/loopback-bed.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import type { Namespace, Topology } from "./support/topology.ts";
import { floodPing, PingStream, ping, reaches } from "./support/traffic.ts";
import { type End, openTunnel } from "./support/tunnel.ts";

/** What a transport message adds to the padded packet: header and tag. */
const OVERHEAD = 32;
const ICMP_HEADERS = 28;

/** Marked UDP packets that left the namespace. */
async function markedPackets(namespace: Namespace, program: "iptables" | "ip6tables"): Promise<number> {
  const counters = await namespace.run([program, "-t", "mangle", "-L", "OUTPUT", "-v", "-x", "-n"]);
  return Number(/^\s*(\d+) .* mark match 0x33/m.exec(counters)?.[1]);
}

/** Length of the transport message that carries an inner packet of so many bytes. */
async function messageFor(length: number, from: Namespace, to: string, capture: Capture): Promise<number | undefined> {
  const before = capture.messages("data").length;
  await ping(from, to, { size: length - ICMP_HEADERS });
  await waitFor(() => capture.messages("data").length > before, 15_000);
  return capture.messages("data")[before]?.payload.length;
}

/** MTU, and what a packet of 1297 bytes is padded to there. */
const PADDING = [
  [1299, 1299],
  [1297, 1297],
  [1420, 1312],
] as const;

/** A tunnel with an end that notices when its interface goes down. */
async function openNoticing(
  ctx: TestContext,
  pair: Pair,
): Promise<{ own: End; other: End; topology: Topology; link: string }> {
  const label = pair.near.missesDown ? "far" : "near";
  if (pair[label].missesDown) cannotRun(ctx, `${pair[label].name} does not notice that its interface is down`);
  const tunnel = await openTunnel(ctx, pair);
  return { own: tunnel[label], other: tunnel.other(tunnel[label]), topology: tunnel.topology, link: tunnel.link };
}

describe.each(pairs)("$name", (pair) => {
  test("padding stops at the interface's MTU, and follows it when it changes", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    const message = () => messageFor(1297, near.namespace, far.inside("ipv4"), capture);
    expect(await message()).toBe(1312 + OVERHEAD);
    for (const [mtu, padded] of PADDING) {
      await near.namespace.ip("link", "set", near.interface, "mtu", `${mtu}`);
      expect(await waitFor(async () => (await message()) === padded + OVERHEAD, 15_000)).toBe(true);
    }
  });

  test("a route with an MTU of its own carries packets of that size", async (ctx) => {
    requireLab(ctx, "iptables");
    const { near, far } = await openTunnel(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await far.namespace.run("iptables -A INPUT -m length --length 1360 -j DROP".split(" "));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      await from.namespace.ip("route", "add", `${to.inside("ipv4")}/32`, "dev", from.interface, "mtu", "1299");
    }
    expect(await ping(far.namespace, near.inside("ipv4"), { count: 3, size: 1269 })).toEqual({ sent: 3, received: 3 });
    expect(await ping(near.namespace, far.inside("ipv4"), { count: 3, size: 1269 })).toEqual({ sent: 3, received: 3 });
  });

  test("down closes its sockets; up again it has the same port, and traffic goes on", async (ctx) => {
    const { own: near, other: far } = await openNoticing(ctx, pair);
    await near.daemon.wg("set", near.interface, "listen-port", "0");
    const port = await near.daemon.wg("show", near.interface, "listen-port");
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const bound = async () => (await near.namespace.run(["ss", "-Hnul"])).includes(`:${port.trim()} `);
    expect(await bound()).toBe(true);

    await near.namespace.ip("link", "set", near.interface, "down");
    expect(await waitFor(async () => !(await bound()), 15_000)).toBe(true);
    await near.namespace.ip("link", "set", near.interface, "up");
    expect(await waitFor(bound, 15_000)).toBe(true);
    expect(await near.daemon.wg("show", near.interface, "listen-port")).toBe(port);
    expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
  });

  test("all its packets carry the mark, from the moment it is set to the moment it is cleared", async (ctx) => {
    requireLab(ctx, "iptables", "ip6tables");
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    for (const program of ["iptables", "ip6tables"] as const) {
      await near.namespace.run([program, ..."-t mangle -A OUTPUT -p udp -m mark --mark 0x33".split(" ")]);
    }
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    expect(await markedPackets(near.namespace, "iptables")).toBe(0);
    for (const [family, program] of [
      ["ipv4", "iptables"],
      ["ipv6", "ip6tables"],
    ] as const) {
      const peer = ["peer", far.keys.publicKey, "endpoint", far.endpoint(family)];
      await near.daemon.wg("set", near.interface, "fwmark", "0x33", ...peer);
      expect(await reaches(near.namespace, far.inside("ipv4"), 4000)).toBe(true);
      const before = await markedPackets(near.namespace, program);
      expect((await ping(near.namespace, far.inside("ipv4"), { count: 5 })).received).toBe(5);
      const after = await markedPackets(near.namespace, program);
      expect(after - before).toBeGreaterThanOrEqual(5);
      await near.daemon.wg("set", near.interface, "fwmark", "0");
      expect((await ping(near.namespace, far.inside("ipv4"), { count: 5 })).received).toBe(5);
      expect(await markedPackets(near.namespace, program)).toBe(after);
    }
  });

  test("everything may be routed into the tunnel, when its own packets are kept out by their mark", async (ctx) => {
    const { near, far } = await openTunnel(ctx, pair);
    // The far end is known by addresses that only a default route leads to.
    const outside = { "-4": "192.0.2.1", "-6": "2001:db8:f::1" } as const;
    const inside = { "-4": "192.168.99.7", "-6": "abab::1111" } as const;
    await near.daemon.wg("set", near.interface, "fwmark", "51820");
    for (const option of ["-4", "-6"] as const) {
      const family = option === "-4" ? "ipv4" : "ipv6";
      const bits = option === "-4" ? 32 : 128;
      await far.namespace.addAddress("lo", `${outside[option]}/${bits}`);
      await far.namespace.addAddress(far.interface, `${inside[option]}/${bits}`);
      const ip = (...args: string[]) => near.namespace.ip(option, ...args);
      await ip("route", "add", "default", "via", far.outside(family));
      await ip("route", "add", "default", "dev", near.interface, "table", "51820");
      await ip("rule", "add", "not", "fwmark", "51820", "table", "51820");
      await ip("rule", "add", "table", "main", "suppress_prefixlength", "0");
    }
    await near.namespace.sysctl("net.ipv4.conf.all.rp_filter", "0");
    const peer = ["peer", far.keys.publicKey, "allowed-ips", "0.0.0.0/0,::/0"];
    for (const endpoint of [`${outside["-4"]}:${far.port}`, `[${outside["-6"]}]:${far.port}`]) {
      await near.daemon.wg("set", near.interface, ...peer, "endpoint", endpoint);
      expect(await reaches(near.namespace, inside["-4"], 12_000)).toBe(true);
      for (const address of [inside["-4"], inside["-6"]]) {
        expect((await floodPing(near.namespace, address, 100)).received).toBe(100);
      }
    }
  });

  test("the port may change under traffic, again and again", async (ctx) => {
    const { near, far } = await openTunnel(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await using stream = new PingStream(near.namespace, far.inside("ipv4"), 0.02);
    for (let port = 40_000; port < 40_005; port++) {
      await near.daemon.wg("set", near.interface, "listen-port", `${port}`);
      expect(await stream.more(10, 15_000)).toBe(true);
    }
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThanOrEqual(10);
  });

  test("moved to another namespace, it works there, and its sockets stay where they were", async (ctx) => {
    const { own: near, other: far, topology } = await openNoticing(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const room = await topology.namespace("room");
    await near.namespace.ip("link", "set", near.interface, "netns", room.name);
    for (const family of ["ipv4", "ipv6"] as const) {
      await room.addAddress(near.interface, `${near.inside(family)}/${family === "ipv4" ? 24 : 64}`);
    }
    await room.ip("link", "set", near.interface, "up");
    expect(await reaches(room, far.inside("ipv4"), 10_000)).toBe(true);
    expect(await reaches(room, far.inside("ipv6"), 4000)).toBe(true);
    expect((await ping(far.namespace, near.inside("ipv4"), { count: 3 })).received).toBe(3);
    expect(await room.run(["ss", "-Hnul"])).toBe("");
    expect(await near.namespace.run(["ss", "-Hnul"])).toContain(`:${near.port} `);
    // Down and up are noticed there too, and so is its end.
    await room.ip("link", "set", near.interface, "down");
    expect(
      await waitFor(async () => !(await near.namespace.run(["ss", "-Hnul"])).includes(`:${near.port} `), 15_000),
    ).toBe(true);
    await room.ip("link", "set", near.interface, "up");
    await room.ip("addr", "replace", `${near.inside("ipv6")}/64`, "dev", near.interface, "nodad");
    expect(await reaches(room, far.inside("ipv4"), 10_000)).toBe(true);
    await room.ip("link", "del", near.interface);
    expect(await near.daemon.ends(15_000)).toBe(true);
  });

  test("moved to another namespace, its MTU is followed there, and again when it comes back", async (ctx) => {
    const { own: near, other: far, topology, link } = await openNoticing(ctx, pair);
    await using capture = await Capture.start(topology, near.namespace, link);
    const room = await topology.namespace("room");
    for (const [from, to] of [
      [near.namespace, room],
      [room, near.namespace],
    ] as const) {
      await from.ip("link", "set", near.interface, "netns", to.name);
      await to.addAddress(near.interface, `${near.inside("ipv4")}/24`);
      await to.ip("link", "set", near.interface, "up");
      expect(await reaches(to, far.inside("ipv4"), 10_000)).toBe(true);
      const message = () => messageFor(1297, to, far.inside("ipv4"), capture);
      for (const [mtu, padded] of PADDING) {
        await to.ip("link", "set", near.interface, "mtu", `${mtu}`);
        expect(await waitFor(async () => (await message()) === padded + OVERHEAD, 15_000)).toBe(true);
      }
    }
  });

  test("an MTU raised in another namespace is no limit: larger packets pass", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    await bed.connect("ipv4");
    const { one, two } = bed;
    expect(await reaches(one.namespace, two.inside.ipv4, 15_000)).toBe(true);
    for (const station of [one, two]) {
      await station.namespace.ip("link", "set", station.daemon.interface, "mtu", "9000");
    }
    for (const size of [1392, 1393, 4000, 8972]) {
      expect((await ping(one.namespace, two.inside.ipv4, { count: 2, size })).received).toBe(2);
    }
  });
});
