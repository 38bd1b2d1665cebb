/**
 * What boxes on the way do to the outer packets: a smaller MTU whose ICMP errors are filtered, a TOS byte written over,
 * one path that is narrower than others.
 */
import { describe, expect, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { type Implementation, type Pair, pairs, subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { openThird, THIRD } from "./support/third.ts";
import { iperf, ping, reaches } from "./support/traffic.ts";
import { type End, formatEndpoint, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { showDump } from "./support/wireguard.ts";

const REMOTE = { ipv4: "192.0.2.1", ipv6: "2001:db8:f::1" } as const;
const NARROW = 1400;

function withSwitches(...switches: readonly string[]): Implementation {
  return { ...subject, name: `${subject.name} ${switches.join(" ")}`, command: [...subject.command, ...switches] };
}

function between(program: Implementation): Pair {
  return { name: `${program.name} to itself`, near: program, far: program };
}

const senders: Pair[] = [
  ...pairs,
  ...(subject === wireguardGo ? [] : [between(withSwitches("--no-udp-gso")), between(withSwitches("--threads", "2"))]),
];

/** Put a router between near and the far end's REMOTE addresses; behind it the MTU is NARROW, and it says so to nobody. */
async function openNarrow({ topology, near, far }: Tunnel): Promise<void> {
  const router = await topology.namespace("router");
  await topology.connect(
    { namespace: near.namespace, addresses: ["198.51.101.1/24", "2001:db8:a::1/64"] },
    { namespace: router, addresses: ["198.51.101.254/24", "2001:db8:a::fe/64"] },
  );
  await topology.connect(
    { namespace: router, addresses: ["198.51.102.254/24", "2001:db8:b::fe/64"] },
    { namespace: far.namespace, addresses: ["198.51.102.2/24", "2001:db8:b::2/64"] },
    NARROW,
  );
  await router.sysctl("net.ipv4.ip_forward", "1");
  await router.sysctl("net.ipv6.conf.all.forwarding", "1");
  await router.run("iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP".split(" "));
  await far.namespace.addAddress("lo", `${REMOTE.ipv4}/32`);
  await far.namespace.addAddress("lo", `${REMOTE.ipv6}/128`);
  await near.namespace.ip("route", "add", REMOTE.ipv4, "via", "198.51.101.254");
  await near.namespace.ip("-6", "route", "add", REMOTE.ipv6, "via", "2001:db8:a::fe");
  await router.ip("route", "add", REMOTE.ipv4, "via", "198.51.102.2");
  await router.ip("-6", "route", "add", REMOTE.ipv6, "via", "2001:db8:b::2");
  await far.namespace.ip("route", "add", "198.51.101.0/24", "via", "198.51.102.254");
  await far.namespace.ip("-6", "route", "add", "2001:db8:a::/64", "via", "2001:db8:b::fe");
}

async function setEndpoint({ near, far }: Tunnel, family: "ipv4" | "ipv6"): Promise<void> {
  const peer = ["peer", far.keys.publicKey, "endpoint", formatEndpoint(REMOTE[family], far.port)];
  await near.daemon.wg("set", near.interface, ...peer);
}

describe.each(senders)("$name", (pair) => {
  test("a narrow network that says nothing carries big packets over IPv4 in fragments", async (ctx) => {
    requireLab(ctx, "iptables");
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    await openNarrow(tunnel);
    await setEndpoint(tunnel, "ipv4");
    expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
    const big = await ping(near.namespace, far.inside("ipv4"), { count: 5, size: 1380, waitSeconds: 1 });
    expect(big.received).toBe(pair.near.setsDontFragment ? 0 : 5);
    if (pair.near.setsDontFragment) return;
    const bulk = await iperf(near.namespace, far.namespace, far.inside("ipv6"), { protocol: "tcp" });
    expect(bulk.megabitsPerSecond).toBeGreaterThan(5);
  });

  test("a narrow IPv6 network that says so is heard: packets are cut before they leave", async (ctx) => {
    requireLab(ctx, "iptables");
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    await openNarrow(tunnel);
    await setEndpoint(tunnel, "ipv6");
    expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
    await ping(near.namespace, far.inside("ipv4"), { count: 2, size: 1380, waitSeconds: 1 });
    const big = await ping(near.namespace, far.inside("ipv4"), { count: 5, size: 1380, waitSeconds: 1 });
    expect(big.received).toBe(5);
  });

  test("a carrier that marks every packet as having met congestion: what knows no ECN arrives", async (ctx) => {
    requireLab(ctx, "iptables", "ip6tables");
    const { near, far } = await openTunnel(ctx, pair);
    for (const program of ["iptables", "ip6tables"]) {
      const rule = "-t mangle -A PREROUTING -p udp --dport 51820 -j TOS --set-tos 0x03/0x03";
      await far.namespace.run([program, ...rule.split(" ")]);
    }
    expect(await reaches(near.namespace, far.inside("ipv4"), 12_000)).toBe(true);
    for (const family of ["ipv4", "ipv6"] as const) {
      expect((await ping(near.namespace, far.inside(family), { count: 5, waitSeconds: 1 })).received).toBe(5);
      await near.daemon.wg("set", near.interface, "peer", far.keys.publicKey, "endpoint", far.endpoint("ipv6"));
    }
  });
});

/** Bulk TCP from near. @returns the longest UDP message that left it: one over an MTU is a train */
async function longestMessage(tunnel: Tunnel, to: End): Promise<number> {
  await using capture = await Capture.start(tunnel.topology, tunnel.near.namespace, tunnel.link);
  await iperf(tunnel.near.namespace, to.namespace, to.inside("ipv4"), { protocol: "tcp" });
  return Math.max(...(await capture.stop()).map(({ payload }) => payload.length));
}

test("a peer behind a narrow path gets datagrams singly, and others trains as before", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go waits for ICMP errors there");
  const tunnel = await openTunnel(ctx, { name: "", near: subject, far: subject });
  const { near, far } = tunnel;
  const third = await openThird(tunnel);
  await near.namespace.ip("route", "add", THIRD.outside, "dev", await deviceTo(near, THIRD.outside), "mtu", "1000");
  const peer = ["peer", third.publicKey, "allowed-ips", `${THIRD.inside}/32`, "endpoint"];
  await near.daemon.wg("set", near.interface, ...peer, formatEndpoint(THIRD.outside, await portOf(third.interface)));
  expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  expect(await longestMessage(tunnel, far)).toBeGreaterThan(3000);
  const narrow = await iperf(near.namespace, third.namespace, THIRD.inside, { protocol: "tcp" });
  expect(narrow.megabitsPerSecond).toBeGreaterThan(5);
  expect(near.daemon.log()).toContain("singly there");
  expect(await longestMessage(tunnel, far)).toBeGreaterThan(3000);
});

async function deviceTo({ namespace }: End, address: string): Promise<string> {
  return /dev (\S+)/.exec(await namespace.ip("route", "get", address))![1]!;
}

async function portOf(name: string): Promise<number> {
  return (await showDump(name)).listenPort;
}
