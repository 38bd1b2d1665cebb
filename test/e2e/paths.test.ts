/**
 * Networks between two peers that change or translate addresses: the last steps of wireguard-go's shell test.
 */
import { describe, expect, test } from "vitest";
import { sleep } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { ping, reaches } from "./support/traffic.ts";
import { type End, formatEndpoint, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { showDump } from "./support/wireguard.ts";

async function peerEndpoint(end: End): Promise<string | undefined> {
  return (await showDump(end.interface)).peers[0]!.endpoint;
}

async function setEndpoint(tunnel: Tunnel, end: End, endpoint: string): Promise<void> {
  await end.daemon.wg("set", end.interface, "peer", tunnel.other(end).keys.publicKey, "endpoint", endpoint);
}

describe.each(pairs)("$name", (pair) => {
  test("keepalives hold a short-lived NAT mapping open for the server's packets", async (ctx) => {
    requireLab(ctx, "iptables", "conntrack");
    const tunnel = await openTunnel(ctx, pair);
    const { near: client, far: server, topology } = tunnel;
    const router = await topology.namespace("router");
    const ends = (namespace: typeof router, address: string) => ({ namespace, addresses: [address] });
    await topology.connect(ends(client.namespace, "192.168.1.100/24"), ends(router, "192.168.1.1/24"));
    await topology.connect(ends(server.namespace, "10.0.0.100/24"), ends(router, "10.0.0.1/24"));
    await client.namespace.ip("route", "add", "10.0.0.0/24", "via", "192.168.1.1");
    await router.run(
      "iptables -t nat -A POSTROUTING -s 192.168.1.0/24 -d 10.0.0.0/24 -j SNAT --to 10.0.0.1".split(" "),
    );
    await router.sysctl("net.ipv4.ip_forward", "1");
    await router.sysctl("net.netfilter.nf_conntrack_udp_timeout", "2");
    await router.sysctl("net.netfilter.nf_conntrack_udp_timeout_stream", "2");

    const { publicKey } = server.keys;
    const peer = ["peer", publicKey, "endpoint", formatEndpoint("10.0.0.100", server.port)];
    await client.daemon.wg("set", client.interface, ...peer, "persistent-keepalive", "1");
    expect(await reaches(client.namespace, server.inside("ipv4"), 15_000)).toBe(true);
    expect((await ping(server.namespace, client.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
    expect(await peerEndpoint(server)).toBe(formatEndpoint("10.0.0.1", client.port));
    await sleep(3000);
    expect((await ping(server.namespace, client.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
  });

  test("an own address that goes away is no black hole: the next packet leaves from the new one", async (ctx) => {
    const mover = pair.near.keepsLostSource ? "far" : "near";
    if (pair[mover].keepsLostSource) cannotRun(ctx, `${pair[mover].name} keeps sending from an address it has lost`);
    const tunnel = await openTunnel(ctx, pair);
    const end = tunnel[mover];
    const other = tunnel.other(end);
    const replace = async (from: string, to: string) => {
      await end.namespace.ip("addr", "del", from, "dev", tunnel.link);
      await end.namespace.addAddress(tunnel.link, to);
      // A new IPv6 address may not be found by its neighbour within the first second: that is not the tunnel's fault.
      expect(await reaches(other.namespace, to.slice(0, to.indexOf("/")), 15_000)).toBe(true);
    };
    expect(await reaches(end.namespace, other.outside("ipv6"), 15_000)).toBe(true);
    expect(await reaches(end.namespace, other.inside("ipv4"), 15_000)).toBe(true);
    await replace(`${end.outside("ipv4")}/24`, "198.51.100.10/24");
    expect((await ping(end.namespace, other.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
    expect(await peerEndpoint(other)).toBe(formatEndpoint("198.51.100.10", end.port));

    await setEndpoint(tunnel, end, other.endpoint("ipv6"));
    expect((await ping(end.namespace, other.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
    await replace(`${end.outside("ipv6")}/64`, "2001:db8:1::10/64");
    expect((await ping(end.namespace, other.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
    expect(await peerEndpoint(other)).toBe(formatEndpoint("2001:db8:1::10", end.port));
  });

  test("answers come from the address that was asked, so the asker's endpoint stays", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    await far.namespace.addAddress(tunnel.link, "198.51.100.20/24");
    await far.namespace.addAddress(tunnel.link, "2001:db8:1::20/64");
    for (const address of ["198.51.100.20", far.outside("ipv4"), "2001:db8:1::20", far.outside("ipv6")]) {
      const endpoint = formatEndpoint(address, far.port);
      await setEndpoint(tunnel, near, endpoint);
      expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
      expect((await ping(near.namespace, far.inside("ipv4"), { count: 3 })).received).toBe(3);
      expect(await peerEndpoint(near)).toBe(endpoint);
    }
  });
});
