/**
 * Keys that change or are unusable, and the keepalives that a quiet tunnel sends.
 */
import { describe, expect, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { Daemon } from "./support/daemon.ts";
import { sleep, waitFor } from "./support/exec.ts";
import { type Implementation, pairs, subject } from "./support/implementations.ts";
import { PingStream, ping, reaches } from "./support/traffic.ts";
import { type End, openDaemon, openTunnel } from "./support/tunnel.ts";
import { formatConfig, makeKeyPair, makePresharedKey, showDump } from "./support/wireguard.ts";

/** Public keys of low order: any private key makes zero of them. The first one is zero itself. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((hex) => Buffer.from(hex, "hex").toString("base64"));

describe.each(pairs)("$name", (pair) => {
  test("a new private key, known to the peer, works at once", async (ctx) => {
    const { near, far, topology } = await openTunnel(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const { privateKey, publicKey } = makeKeyPair();
    const old = near.keys.publicKey;
    const peer = ["peer", publicKey, "endpoint", near.endpoint("ipv4"), "allowed-ips", near.allowedIps().join(",")];
    await far.daemon.wg("set", far.interface, "peer", old, "remove", ...peer);
    await near.daemon.wg("set", near.interface, "private-key", topology.file("new-key", privateKey));
    expect(await reaches(near.namespace, far.inside("ipv4"), 4000)).toBe(true);
    expect(await reaches(far.namespace, near.inside("ipv4"), 4000)).toBe(true);
  });

  test("a new preshared key does not disturb the session in use", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far, topology } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await using stream = new PingStream(near.namespace, far.inside("ipv4"), 0.02);
    const file = topology.file("new-psk", makePresharedKey());
    for (const end of [near, far]) {
      const peer = tunnel.other(end).keys.publicKey;
      await end.daemon.wg("set", end.interface, "peer", peer, "preshared-key", file);
    }
    expect(await stream.more(30, 15_000)).toBe(true);
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThanOrEqual(1);
  });

  test("a persistent keepalive starts at once, with a handshake and without any other packet", async (ctx) => {
    const { near, far, topology, link } = await openTunnel(ctx, pair);
    await using capture = await Capture.start(topology, near.namespace, link);
    await near.daemon.wg("set", near.interface, "peer", far.keys.publicKey, "persistent-keepalive", "1");
    expect(await waitFor(() => capture.messages("keepalive").length >= 3, 15_000)).toBe(true);
    expect(capture.messages("initiation")).toHaveLength(1);
    expect(capture.messages("data")).toHaveLength(0);
  });

  test("data that gets no answer is acknowledged by a keepalive after ten seconds", async (ctx) => {
    const { near, far, topology, link } = await openTunnel(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await far.namespace.sysctl("net.ipv4.icmp_echo_ignore_all", "1");
    await sleep(100);
    await using capture = await Capture.start(topology, near.namespace, link);
    await ping(near.namespace, far.inside("ipv4"), { waitSeconds: 0.1 });
    expect(await waitFor(() => capture.messages("keepalive").length > 0, 20_000)).toBe(true);
    const [[data], [keepalive]] = [capture.messages("data"), capture.messages("keepalive")];
    expect(keepalive!.seconds - data!.seconds).toBeGreaterThan(9);
    expect(capture.messages("initiation")).toHaveLength(0);
  });

  test("a tunnel works inside a tunnel", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far, topology } = tunnel;
    const keys = { near: makeKeyPair(), far: makeKeyPair() };
    const nested = async (end: End, implementation: Implementation, address: string) => {
      const other = tunnel.other(end);
      const daemon = await Daemon.start(topology, end.namespace, implementation, topology.interfaceName());
      const config = {
        privateKey: keys[end.label].privateKey,
        listenPort: 51999,
        peers: [
          {
            publicKey: keys[other.label].publicKey,
            endpoint: `${other.inside("ipv4")}:51999`,
            allowedIps: ["10.55.0.0/24"],
          },
        ],
      };
      await daemon.wg("setconf", daemon.interface, topology.file(daemon.interface, formatConfig(config)));
      await end.namespace.addAddress(daemon.interface, address);
      await end.namespace.ip("link", "set", daemon.interface, "mtu", "1340", "up");
    };
    await nested(near, pair.near, "10.55.0.1/24");
    await nested(far, pair.far, "10.55.0.2/24");
    expect(await reaches(near.namespace, "10.55.0.2", 12_000)).toBe(true);
    expect((await ping(far.namespace, "10.55.0.1", { count: 3, size: 1312 })).received).toBe(3);
  });
});

describe(subject.name, () => {
  test("a peer with the device's own key is left out", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const { privateKey, publicKey } = makeKeyPair();
    await daemon.wg("set", daemon.interface, "private-key", topology.file("key", privateKey), "peer", publicKey);
    expect((await showDump(daemon.interface)).peers).toEqual([]);
  });

  test("peers with keys of low order are shown, but nothing is ever sent to them", async (ctx) => {
    const { near, far, topology, link } = await openTunnel(ctx, { name: "", near: subject, far: subject });
    const allowed = (index: number) => `10.66.0.${index}/32`;
    for (const [index, key] of LOW_ORDER.entries()) {
      const rest = ["allowed-ips", allowed(index + 1), "endpoint", far.endpoint("ipv4")];
      await near.daemon.wg("set", near.interface, "peer", key, ...rest);
    }
    await near.namespace.ip("route", "add", "10.66.0.0/24", "dev", near.interface);
    await using capture = await Capture.start(topology, near.namespace, link);
    for (const index of LOW_ORDER.keys()) {
      await ping(near.namespace, `10.66.0.${index + 1}`, { waitSeconds: 0.1 });
    }
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    expect(capture.messages("initiation")).toHaveLength(1);
    expect((await showDump(near.interface)).peers).toHaveLength(LOW_ORDER.length + 1);
  });
});
