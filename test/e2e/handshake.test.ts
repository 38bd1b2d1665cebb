/**
 * The handshake as seen on the wire: how many messages it takes, and what a wrong key, a repeated or an old message do.
 */
import { describe, expect, test } from "vitest";
import { Capture, messageType } from "./support/capture.ts";
import { exchange } from "./support/datagram.ts";
import { sleep, waitFor } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { ping, reaches } from "./support/traffic.ts";
import { openTunnel, type Tunnel } from "./support/tunnel.ts";
import { makeKeyPair, makePresharedKey, type PeerConfig, showDump } from "./support/wireguard.ts";

/** Longer than the 5 s between two initiations, with their jitter. */
const NEXT_INITIATION_MS = 7000;

/** Give one end another idea of its peer. */
async function reconfigurePeer(tunnel: Tunnel, end: "near" | "far", change: Partial<PeerConfig>): Promise<void> {
  const config = tunnel.config(tunnel[end]);
  await tunnel.configure(tunnel[end], { ...config, peers: [{ ...config.peers[0]!, ...change }] });
}

async function expectNoTraffic(tunnel: Tunnel): Promise<void> {
  for (const end of [tunnel.near, tunnel.far]) {
    const pinged = await ping(end.namespace, tunnel.other(end).inside("ipv4"), { count: 3, waitSeconds: 1 });
    expect(pinged.received).toBe(0);
    expect(end.daemon.alive()).toBe(true);
    expect((await showDump(end.interface)).peers.every((peer) => peer.latestHandshake === 0)).toBe(true);
  }
}

describe.each(pairs)("$name", (pair) => {
  test.for([
    { how: "without a preshared key", options: {} },
    { how: "with a preshared key", options: { presharedKey: "preshared key" } },
  ] as const)("one initiation and one response are enough, $how", async ({ options }, ctx) => {
    const tunnel = await openTunnel(ctx, pair, options);
    const { near, far } = tunnel;
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    expect((await ping(near.namespace, far.inside("ipv4"), { count: 5, waitSeconds: 3 })).received).toBe(5);
    const types = (await capture.stop()).map((datagram) => messageType(datagram.payload));
    expect(types.slice(0, 3)).toEqual(["initiation", "response", "data"]);
    expect(types.slice(3).filter((type) => type !== "data")).toEqual([]);
    for (const end of [near, far]) {
      const handshake = (await showDump(end.interface)).peers[0]!.latestHandshake;
      expect(Math.abs(handshake - Date.now() / 1000)).toBeLessThan(10);
    }
  });

  test("after a wrong public key nothing passes, and the right one mends it", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    await reconfigurePeer(tunnel, "near", { publicKey: makeKeyPair().publicKey });
    await expectNoTraffic(tunnel);
    await reconfigurePeer(tunnel, "near", {});
    expect(await reaches(tunnel.near.namespace, tunnel.far.inside("ipv4"), NEXT_INITIATION_MS)).toBe(true);
  });

  test("after a wrong private key nothing passes, and the right one mends it", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { far } = tunnel;
    await tunnel.configure(far, { ...tunnel.config(far), privateKey: makeKeyPair().privateKey });
    await expectNoTraffic(tunnel);
    await tunnel.configure(far, tunnel.config(far));
    expect(await reaches(tunnel.near.namespace, far.inside("ipv4"), NEXT_INITIATION_MS)).toBe(true);
  });

  test("after a wrong preshared key nothing passes, and the right one mends it", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair, { presharedKey: "preshared key" });
    await reconfigurePeer(tunnel, "far", { presharedKey: makePresharedKey() });
    await expectNoTraffic(tunnel);
    await reconfigurePeer(tunnel, "far", {});
    expect(await reaches(tunnel.near.namespace, tunnel.far.inside("ipv4"), 2 * NEXT_INITIATION_MS)).toBe(true);
  });

  test("an initiation is answered once; repeated, or older than one already seen, it is not", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    // Initiations to a port where nobody listens are caught, to be sent by hand in another order.
    await reconfigurePeer(tunnel, "near", { endpoint: `${far.outside("ipv4")}:51999` });
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    const caught = () => capture.messages("initiation").map((datagram) => datagram.payload);
    await ping(near.namespace, far.inside("ipv4"), { waitSeconds: 0.1 });
    expect(await waitFor(() => caught().length >= 2, NEXT_INITIATION_MS)).toBe(true);
    const [older, newer] = caught();

    const answers = async (initiation: Buffer) => {
      const received = await exchange(near.namespace, far.outside("ipv4"), far.port, initiation);
      return received.map(messageType);
    };
    expect(await answers(newer!)).toEqual(["response"]);
    expect(await answers(newer!)).toEqual([]);
    expect(await answers(older!)).toEqual([]);
    expect(far.daemon.alive()).toBe(true);
  });

  test("a damaged initiation is not answered and does not stop the next good one", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    await reconfigurePeer(tunnel, "near", { endpoint: `${far.outside("ipv4")}:51999` });
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    await ping(near.namespace, far.inside("ipv4"), { waitSeconds: 0.1 });
    expect(await waitFor(() => capture.messages("initiation").length > 0, 15_000)).toBe(true);
    const good = capture.messages("initiation")[0]!.payload;
    const damaged = Buffer.from(good);
    damaged[20]! ^= 1;
    const forms = [damaged, good.subarray(0, 147), Buffer.concat([good, Buffer.alloc(1)]), Buffer.alloc(0)];
    for (const form of forms) {
      expect(await exchange(near.namespace, far.outside("ipv4"), far.port, form, 300)).toEqual([]);
    }
    await sleep(50);
    expect(await exchange(near.namespace, far.outside("ipv4"), far.port, good)).toHaveLength(1);
  });
});
