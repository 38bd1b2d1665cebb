/**
 * Configuration by `wg`, from one peer to a thousand, and what `wg show` says afterwards.
 */
import { describe, expect, test } from "vitest";
import { pairs, subject, wireguardGo } from "./support/implementations.ts";
import { PingStream, reaches } from "./support/traffic.ts";
import { openDaemon, openTunnel } from "./support/tunnel.ts";
import {
  type DeviceConfig,
  formatConfig,
  makeKeyPair,
  makePresharedKey,
  type PeerConfig,
  showDump,
} from "./support/wireguard.ts";

function manyPeers(count: number, allowedIps: (index: number) => string[]): PeerConfig[] {
  return Array.from({ length: count }, (_, index) => ({
    publicKey: makeKeyPair().publicKey,
    allowedIps: allowedIps(index),
  }));
}

describe.each(pairs)("$name", (pair) => {
  test.for([1, 1000])("%d peers by setconf: the last one is reached", async (count, ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    const others = manyPeers(count - 1, (index) => [`10.${index >> 8}.${index & 255}.0/24`]);
    const config = tunnel.config(near);
    await tunnel.configure(near, { ...config, peers: [...others, ...config.peers] });
    expect((await showDump(near.interface)).peers).toHaveLength(count);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    expect(await reaches(near.namespace, far.inside("ipv6"), 4000)).toBe(true);
  });

  test("syncconf with one more peer does not disturb the traffic of the first", async (ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const before = (await showDump(near.interface)).peers[0]!.latestHandshake;
    await using stream = new PingStream(near.namespace, far.inside("ipv4"));
    const config = tunnel.config(near);
    const wider = { ...config, peers: [...config.peers, ...manyPeers(1, () => ["10.9.0.0/16"])] };
    await near.daemon.wg("syncconf", near.interface, tunnel.topology.file("wider.conf", formatConfig(wider)));
    expect(await stream.more(10, 2000)).toBe(true);
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThanOrEqual(1);
    const after = (await showDump(near.interface)).peers;
    expect(after).toHaveLength(2);
    expect(after.find((peer) => peer.publicKey === far.keys.publicKey)!.latestHandshake).toBe(before);
  });
});

describe(subject.name, () => {
  test("showconf gives back what setconf took", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const keys = makeKeyPair();
    const config: DeviceConfig = {
      privateKey: keys.privateKey,
      listenPort: 51999,
      peers: [
        {
          publicKey: makeKeyPair().publicKey,
          presharedKey: makePresharedKey(),
          endpoint: "[2001:db8::1]:51820",
          allowedIps: ["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0"],
          persistentKeepalive: 25,
        },
      ],
    };
    await daemon.wg("setconf", daemon.interface, topology.file("all.conf", formatConfig(config)));
    const status = await showDump(daemon.interface);
    expect(status).toMatchObject({ privateKey: keys.privateKey, publicKey: keys.publicKey, listenPort: 51999 });
    expect(status.peers[0]).toMatchObject(config.peers[0]!);
    const shown = await daemon.wg("showconf", daemon.interface);
    for (const prefix of config.peers[0]!.allowedIps) expect(shown).toContain(prefix);
    for (const line of [`PrivateKey = ${keys.privateKey}`, "ListenPort = 51999", "PersistentKeepalive = 25"]) {
      expect(shown).toContain(line);
    }
    // What it prints is a configuration again.
    await daemon.wg("setconf", daemon.interface, topology.file("again.conf", shown));
    expect(await daemon.wg("showconf", daemon.interface)).toBe(shown);
  });

  test("addconf adds, syncconf removes what is missing, setconf replaces", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const [first, second] = manyPeers(2, (index) => [`10.${index}.0.0/16`]);
    const apply = async (command: string, ...peers: PeerConfig[]) => {
      await daemon.wg(command, daemon.interface, topology.file("peers.conf", formatConfig({ peers })));
      return (await showDump(daemon.interface)).peers.map((peer) => peer.publicKey).sort();
    };
    const keys = (...peers: PeerConfig[]) => peers.map((peer) => peer.publicKey).sort();
    expect(await apply("setconf", first!)).toEqual(keys(first!));
    expect(await apply("addconf", second!)).toEqual(keys(first!, second!));
    expect(await apply("syncconf", second!)).toEqual(keys(second!));
    expect(await apply("setconf", first!)).toEqual(keys(first!));
  });

  test("allowed IPs move to the peer that names them last", async (ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    const [first, second] = manyPeers(2, () => []);
    const set = (peer: PeerConfig, prefixes: string) =>
      daemon.wg("set", daemon.interface, "peer", peer.publicKey, "allowed-ips", prefixes);
    await set(first!, "192.168.4.0/24,10.1.0.0/16");
    await set(second!, "192.168.4.0/24");
    const { peers } = await showDump(daemon.interface);
    expect(peers.find((peer) => peer.publicKey === first!.publicKey)!.allowedIps).toEqual(["10.1.0.0/16"]);
    expect(peers.find((peer) => peer.publicKey === second!.publicKey)!.allowedIps).toEqual(["192.168.4.0/24"]);
  });

  test("host bits of an allowed IP are cleared", async (ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    const [peer] = manyPeers(1, () => []);
    await daemon.wg("set", daemon.interface, "peer", peer!.publicKey, "allowed-ips", "10.1.2.3/8,2001:db8::1/32");
    const shown = (await showDump(daemon.interface)).peers[0]!.allowedIps;
    expect([...shown].sort()).toEqual(["10.0.0.0/8", "2001:db8::/32"]);
  });

  test("an empty device shows no keys, and a key of zeros removes the private key", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    expect((await showDump(daemon.interface)).privateKey).toBeUndefined();
    const key = topology.file("key", makeKeyPair().privateKey);
    await daemon.wg("set", daemon.interface, "private-key", key);
    expect((await showDump(daemon.interface)).privateKey).toBeDefined();
    await daemon.wg("set", daemon.interface, "private-key", "/dev/null");
    expect((await showDump(daemon.interface)).privateKey).toBeUndefined();
  });

  test("keys that are not set, and keys of zeros, are shown as (none)", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const show = (what: string) => daemon.wg("show", daemon.interface, what);
    const set = (...args: string[]) => daemon.wg("set", daemon.interface, ...args);
    const { publicKey } = makeKeyPair();
    const peer = ["peer", publicKey, "preshared-key"];
    await set(...peer, topology.file("psk", makePresharedKey()));
    for (const zero of ["/dev/null", topology.file("zero", Buffer.alloc(32).toString("base64"))]) {
      await set("private-key", topology.file("key", makeKeyPair().privateKey));
      await set("private-key", zero, ...peer, zero);
      expect(await show("private-key")).toBe("(none)\n");
      expect(await show("public-key")).toBe("(none)\n");
      expect(await show("preshared-keys")).toBe(`${publicKey}\t(none)\n`);
    }
  });

  test("a private key is shown as it is used: clamped", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const key = topology.file("key", Buffer.alloc(32, 0xff).toString("base64"));
    await daemon.wg("set", daemon.interface, "private-key", key);
    const clamped = Buffer.alloc(32, 0xff).fill(0xf8, 0, 1).fill(0x7f, 31);
    expect(await daemon.wg("show", daemon.interface, "private-key")).toBe(`${clamped.toString("base64")}\n`);
  });

  test("a peer goes when its key becomes the device's own", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const { privateKey, publicKey } = makeKeyPair();
    const other = makeKeyPair().publicKey;
    await daemon.wg("set", daemon.interface, "peer", publicKey, "allowed-ips", "10.0.0.0/8", "peer", other);
    await daemon.wg("set", daemon.interface, "private-key", topology.file("key", privateKey));
    if (subject === wireguardGo)
      await daemon.wg("set", daemon.interface, "peer", publicKey, "allowed-ips", "10.0.0.0/8");
    expect((await showDump(daemon.interface)).peers.map((peer) => peer.publicKey)).toEqual([other]);
  });

  test("197 allowed IPs are shown in the order they were given in", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const allowedIps = Array.from({ length: 197 }, (_, i) => `${(i * 89) % 197}.${i}.0.0/16`);
    const config = { peers: manyPeers(1, () => allowedIps) };
    await daemon.wg("setconf", daemon.interface, topology.file("ordered.conf", formatConfig(config)));
    expect((await showDump(daemon.interface)).peers[0]!.allowedIps).toEqual(allowedIps);
  });

  test("130,560 allowed IPs in one configuration are all there", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const allowedIps: string[] = [];
    for (let a = 1; a <= 255; a++) {
      for (let b = 0; b <= 255; b++) allowedIps.push(`${a}.${b}.0.0/16`, `${(a * 256 + b).toString(16)}::/16`);
    }
    const config = { privateKey: makeKeyPair().privateKey, peers: manyPeers(1, () => allowedIps) };
    await daemon.wg("setconf", daemon.interface, topology.file("huge.conf", formatConfig(config)));
    const shown = (await showDump(daemon.interface)).peers[0]!.allowedIps;
    expect(shown).toHaveLength(130_560);
    expect(new Set(shown)).toEqual(new Set(allowedIps));
  });

  test.for([
    { peers: 40, prefixes: 52 },
    { peers: 30, prefixes: 1 },
    { peers: 1, prefixes: 197 },
  ])("$peers peers with $prefixes allowed IPs each are all there", async ({ peers, prefixes }, ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    const config = {
      peers: manyPeers(peers, (index) => Array.from({ length: prefixes }, (_, i) => `10.${index}.${i}.0/24`)),
    };
    await daemon.wg("setconf", daemon.interface, topology.file("many.conf", formatConfig(config)));
    const shown = (await showDump(daemon.interface)).peers;
    for (const peer of config.peers) {
      const found = shown.find((other) => other.publicKey === peer.publicKey);
      expect(new Set(found?.allowedIps)).toEqual(new Set(peer.allowedIps));
    }
    expect(shown).toHaveLength(peers);
  });

  test("a name that does not exist is an error of `wg`", async (ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    await expect(daemon.wg("show", "doesnotexist")).rejects.toThrow(/doesnotexist/);
    expect(daemon.alive()).toBe(true);
  });
});
