/**
 * A peer that moves: its new address is learnt from its next authenticated packet, without a new handshake.
 */
import { describe, expect, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { waitFor } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { PingStream, ping, reaches } from "./support/traffic.ts";
import { formatEndpoint, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { showDump } from "./support/wireguard.ts";

async function endpointSeenByFar(tunnel: Tunnel): Promise<string | undefined> {
  return (await showDump(tunnel.far.interface)).peers[0]!.endpoint;
}

describe.each(pairs)("$name", (pair) => {
  test("the endpoint follows a new address under traffic", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    await using stream = new PingStream(near.namespace, far.inside("ipv4"));
    expect(await stream.more(10, 15_000)).toBe(true);

    await near.namespace.ip("addr", "del", `${near.outside("ipv4")}/24`, "dev", tunnel.link);
    await near.namespace.ip("addr", "add", "198.51.100.77/24", "dev", tunnel.link);
    if (near.implementation.keepsLostSource) await near.daemon.wg("set", near.interface, "listen-port", `${near.port}`);

    const endpoint = formatEndpoint("198.51.100.77", near.port);
    expect(await waitFor(async () => (await endpointSeenByFar(tunnel)) === endpoint, 15_000)).toBe(true);
    expect(await stream.more(20, 15_000)).toBe(true);
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThan(20);
    expect(capture.messages("initiation")).toEqual([]);
  });

  test("the endpoint follows to another port and to the other family", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);

    await near.daemon.wg("set", near.interface, "listen-port", "9999");
    expect((await ping(near.namespace, far.inside("ipv4"))).received).toBe(1);
    expect(await endpointSeenByFar(tunnel)).toBe(formatEndpoint(near.outside("ipv4"), 9999));

    const [peer] = (await showDump(near.interface)).peers;
    await near.daemon.wg("set", near.interface, "peer", peer!.publicKey, "endpoint", far.endpoint("ipv6"));
    expect((await ping(near.namespace, far.inside("ipv4"))).received).toBe(1);
    expect(await endpointSeenByFar(tunnel)).toBe(formatEndpoint(near.outside("ipv6"), 9999));
    expect((await ping(far.namespace, near.inside("ipv4"))).received).toBe(1);
  });
});
