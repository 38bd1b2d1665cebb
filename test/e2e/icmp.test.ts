/**
 * What a sender inside hears of packets that the tunnel cannot carry: an ICMP error at once instead of silence.
 */
import { describe, expect, type TestContext, test } from "vitest";
import { sleep } from "./support/exec.ts";
import { type Pair, subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { iperf, ping, reaches } from "./support/traffic.ts";
import { type Family, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

const pair: Pair = { name: "", near: subject, far: subject };
/** In the interface's network, but no peer's. */
const NOBODY = { ipv4: "203.0.113.99", ipv6: "2001:db8:2::99" } as const;
const PING_SAYS = {
  ipv4: "Destination Host Unreachable",
  ipv6: "Destination unreachable: Address unreachable",
} as const;
const families: Family[] = ["ipv4", "ipv6"];
const CONNECT = `
const started = performance.now();
const socket = require("node:net").connect({ host: process.argv[1], port: 80 });
socket.on("error", (error) => console.log(error.code, Math.round(performance.now() - started)));
`;

async function open(ctx: TestContext): Promise<Tunnel> {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go sends no ICMP errors");
  return openTunnel(ctx, pair);
}

async function expectPingRefused(from: Namespace, to: string, family: Family): Promise<void> {
  const started = performance.now();
  const result = await from.attempt(["ping", "-n", "-c", "1", "-W", "5", to]);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(result.code).toBe(1);
  expect(result.stdout).toMatch(new RegExp(`From ${to}:? icmp_seq=1 ${PING_SAYS[family]}`));
}

describe.each(families)("%s", (family) => {
  test("ping to an address that is no peer's is answered at once: host unreachable", async (ctx) => {
    const { near } = await open(ctx);
    await expectPingRefused(near.namespace, NOBODY[family], family);
  });

  test("ping to a peer without an endpoint is answered at once", async (ctx) => {
    const { near } = await open(ctx);
    const bits = family === "ipv4" ? 32 : 128;
    const peer = ["peer", makeKeyPair().publicKey, "allowed-ips", `${NOBODY[family]}/${bits}`];
    await near.daemon.wg("set", near.interface, ...peer);
    await expectPingRefused(near.namespace, NOBODY[family], family);
  });

  test("a TCP connection to an address that is no peer's fails at once: EHOSTUNREACH", async (ctx) => {
    const { near } = await open(ctx);
    const said = await near.namespace.run([process.execPath, "-e", CONNECT, NOBODY[family]]);
    expect(said).toMatch(/^EHOSTUNREACH \d{1,3}\n$/);
  });

  test("bulk TCP outlives a short removal of its peer, while others are told of it", async (ctx) => {
    const { near, far } = await open(ctx);
    const inside = far.inside(family);
    expect(await reaches(near.namespace, inside, 15_000)).toBe(true);
    const options = { protocol: "tcp", seconds: 4 } as const;
    const transfer = iperf(near.namespace, far.namespace, inside, options).then(
      () => "finished",
      () => "failed",
    );
    await sleep(1500);
    await near.daemon.wg("set", near.interface, "peer", far.keys.publicKey, "remove");
    await expectPingRefused(near.namespace, inside, family);
    // An established connection only notes the error (RFC 1122): it goes on when the peer is back.
    await near.daemon.wg(
      "set",
      near.interface,
      "peer",
      far.keys.publicKey,
      "endpoint",
      far.endpoint("ipv4"),
      "allowed-ips",
      far.allowedIps().join(","),
    );
    expect(await transfer).toBe("finished");
  });

  test("a packet larger than any datagram: the sender learns the size that passes", async (ctx) => {
    const { near, far } = await open(ctx);
    for (const end of [near, far]) await end.namespace.ip("link", "set", end.interface, "mtu", "65535");
    const inside = far.inside(family);
    expect(await reaches(near.namespace, inside, 15_000)).toBe(true);
    const size = 65_500 - (family === "ipv4" ? 28 : 48);
    const refused = await near.namespace.attempt([
      "ping",
      "-n",
      "-c",
      "1",
      "-W",
      "1",
      "-M",
      "do",
      "-s",
      `${size}`,
      inside,
    ]);
    expect(refused.stdout + refused.stderr).toMatch(/mtu ?= ?65472/);
    // Then both systems cut it into pieces; the far one learns by its first answer that it must.
    expect((await ping(near.namespace, inside, { size, count: 4 })).received).toBeGreaterThanOrEqual(3);
  });
});

test("floods to nobody are answered at a bounded rate, and the tunnel goes on", async (ctx) => {
  const { near, far } = await open(ctx);
  expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  const flood = near.namespace.attempt(["ping", "-n", "-q", "-f", "-c", "300", "-W", "1", NOBODY.ipv4], {
    timeoutMs: 30_000,
  });
  const during = await ping(near.namespace, far.inside("ipv4"), { count: 20 });
  expect(during.received).toBe(20);
  const [, errors] = /\+(\d+) errors/.exec((await flood).stdout) ?? [];
  expect(Number(errors)).toBeGreaterThan(50);
});

test("a gateway that translates addresses passes the error on to the host behind it", async (ctx) => {
  requireLab(ctx, "iptables", "conntrack");
  const tunnel = await open(ctx);
  const { near, topology } = tunnel;
  const host = await topology.namespace("host");
  await topology.connect(
    { namespace: host, addresses: ["10.0.0.1/24"] },
    { namespace: near.namespace, addresses: ["10.0.0.100/24"] },
  );
  await near.namespace.sysctl("net.ipv4.ip_forward", "1");
  const nat = `iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -d 203.0.113.0/24 -j SNAT --to ${near.inside("ipv4")}`;
  await near.namespace.run(nat.split(" "));
  await host.ip("route", "add", "203.0.113.0/24", "via", "10.0.0.100");
  expect((await ping(host, tunnel.far.inside("ipv4"), { count: 2 })).received).toBe(2);
  await expectPingRefused(host, NOBODY.ipv4, "ipv4");
});
