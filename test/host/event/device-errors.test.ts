/** What a program can do wrong, and what it is told. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Device,
  DgramBind,
  generatePrivateKey,
  type PeerConfig,
  publicKeyOf,
  tunPair,
  WasmguardError,
} from "../../../host/index.ts";
import { MemoryBind } from "../library/memory-bind.ts";
import { makeNode, type Node, SMALL } from "../library/support.ts";

const KEY = generatePrivateKey();
const OTHER = publicKeyOf(generatePrivateKey());

async function thrownBy(action: () => unknown): Promise<WasmguardError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(WasmguardError);
    expect((error as WasmguardError).nextStep).toMatch(/^[A-Z].*\.$/);
    return error as WasmguardError;
  }
  throw new Error("nothing was thrown");
}

describe("Device.create", () => {
  const [tun] = tunPair();
  const good = { privateKey: KEY, tun, limits: SMALL };
  const cases: [string, object, string][] = [
    ["a private key of 31 bytes", { privateKey: KEY.subarray(1) }, "KEY"],
    ["a private key of zeros", { privateKey: new Uint8Array(32) }, "KEY"],
    ["a private key as text", { privateKey: Buffer.from(KEY).toString("base64") }, "KEY"],
    ["a port over 65535", { listenPort: 65_536 }, "OPTION"],
    ["a port that is not whole", { listenPort: 1.5 }, "OPTION"],
    ["an MTU under 68", { mtu: 67 }, "OPTION"],
    ["a bad peer", { peers: [{ publicKey: "?", allowedIps: [] }] }, "KEY"],
    ["the same peer twice", { peers: Array(2).fill({ publicKey: OTHER, allowedIps: [] }) }, "PEER_EXISTS"],
    ["itself as peer", { peers: [{ publicKey: publicKeyOf(KEY), allowedIps: [] }] }, "OWN_KEY"],
  ];
  it.each(cases)("refuses %s", async (_name, change, code) => {
    expect((await thrownBy(() => Device.create({ ...good, ...change }))).code).toBe(code);
  });
});

describe("a device", () => {
  let node: Node;
  beforeEach(async () => {
    node = await makeNode(1);
  });
  afterEach(() => node.device.close());

  const peer: PeerConfig = { publicKey: OTHER, allowedIps: ["10.0.0.2"] };
  const cases: [string, object, string][] = [
    ["a public key of 33 bytes", { publicKey: new Uint8Array(33) }, "KEY"],
    ["a public key with a bad last character", { publicKey: `${"A".repeat(42)}B=` }, "KEY"],
    ["a preshared key as text", { presharedKey: Buffer.from(OTHER).toString("base64") }, "KEY"],
    ["a preshared key of zeros", { presharedKey: new Uint8Array(32) }, "KEY"],
    ["an endpoint without a port", { endpoint: "192.0.2.1" }, "ENDPOINT"],
    ["an endpoint with port 0", { endpoint: "192.0.2.1:0" }, "ENDPOINT"],
    ["an endpoint with a name", { endpoint: "example.org:51820" }, "ENDPOINT"],
    ["an IPv6 endpoint without brackets", { endpoint: "2001:db8::1:51820" }, "ENDPOINT"],
    ["an endpoint object with a bad address", { endpoint: { address: "1.2.3", port: 9 } }, "ENDPOINT"],
    ["an endpoint object with a bad port", { endpoint: { address: "::1", port: 70_000 } }, "ENDPOINT"],
    ["an endpoint that only looks like one", { endpoint: "192.0.2.\u0131:51820" }, "ENDPOINT"],
    ["an allowed IP that is none", { allowedIps: ["10.0.0.2", "10.0.0"] }, "ALLOWED_IP"],
    ["an allowed IP with a prefix too long", { allowedIps: ["10.0.0.0/33"] }, "ALLOWED_IP"],
    ["an allowed IP with leading zeros", { allowedIps: ["010.0.0.1"] }, "ALLOWED_IP"],
    ["a keepalive over 65535", { persistentKeepalive: 65_536 }, "OPTION"],
    ["more allowed IPs than there is room for", { allowedIps: manyAddresses(600) }, "ROUTE_LIMIT"],
  ];
  it.each(cases)("refuses a peer with %s, and keeps nothing of it", async (_name, change, code) => {
    const error = await thrownBy(() => node.device.addPeer({ ...peer, ...change }));
    expect(error.code).toBe(code);
    expect(node.device.statistics().peers).toEqual([]);
    node.device.addPeer(peer);
  });

  it("has either all of a list of allowed IPs or what it had, and so has every other peer", async () => {
    const third = publicKeyOf(generatePrivateKey());
    const { device } = node;
    const other = manyAddresses(150);
    device.addPeer({ ...peer, allowedIps: ["fd00::/8", "10.0.7.0/24", "fd01::/16"], endpoint: "192.0.2.1:1" });
    device.addPeer({ publicKey: third, allowedIps: other });
    const before = device.statistics().peers;
    const tooMany = ["10.0.9.1", "fd00::/8", ...manyNetworks(300)];
    const change = { allowedIps: tooMany, endpoint: "192.0.2.2:2", persistentKeepalive: 5 };
    expect((await thrownBy(() => device.updatePeer(OTHER, change))).code).toBe("ROUTE_LIMIT");
    expect(device.statistics().peers).toEqual(before);
    const fourth = publicKeyOf(generatePrivateKey());
    expect((await thrownBy(() => device.addPeer({ publicKey: fourth, allowedIps: tooMany }))).code).toBe("ROUTE_LIMIT");
    expect(device.statistics().peers).toEqual(before);
    // What fits, though not at first sight, is taken; and a prefix has one owner.
    const much = ["10.0.9.1", ...manyNetworks(90)];
    device.updatePeer(OTHER, { allowedIps: much });
    const [updated, robbed] = device.statistics().peers;
    expect(updated?.allowedIps.map((text) => text.split("/")[0])).toEqual(much);
    expect(robbed?.allowedIps).toHaveLength(other.length - 1);
  });

  it("takes every way of writing endpoints and allowed IPs", () => {
    const update = (change: object) => {
      node.device.updatePeer(OTHER, change);
      return node.device.statistics().peers[0];
    };
    node.device.addPeer({ ...peer, endpoint: "192.0.2.1:51820" });
    expect(update({ endpoint: "[2001:db8::1]:1" })?.endpoint).toBe("[2001:db8::1]:1");
    expect(update({ endpoint: { address: "fe80::1%4000000", port: 2 } })?.endpoint).toBe("[fe80::1%4000000]:2");
    expect(update({ endpoint: { address: "192.0.2.9", port: 3 } })?.endpoint).toBe("192.0.2.9:3");
    const allowedIps = ["10.9.8.7/8", "fd00::/8", "::1", "0.0.0.0/0"];
    expect(update({ allowedIps })?.allowedIps).toEqual(["10.0.0.0/8", "fd00::/8", "::1/128", "0.0.0.0/0"]);
    expect(update({ persistentKeepalive: 25 })?.persistentKeepalive).toBe(25);
    expect(update({})?.allowedIps).toHaveLength(4);
  });

  it("refuses more peers than it has room for", async () => {
    for (let i = 0; i < SMALL.maxPeers; i++) {
      node.device.addPeer({ publicKey: Uint8Array.from({ length: 32 }, () => i + 1), allowedIps: [] });
    }
    expect((await thrownBy(() => node.device.addPeer(peer))).code).toBe("PEER_LIMIT");
  });

  it("names a peer that it does not have", async () => {
    expect((await thrownBy(() => node.device.removePeer(OTHER))).code).toBe("PEER_UNKNOWN");
    expect((await thrownBy(() => node.device.updatePeer(OTHER, {}))).code).toBe("PEER_UNKNOWN");
  });

  it("never quotes a key", async () => {
    const text = Buffer.from(KEY).toString("base64");
    for (const change of [
      { publicKey: `${text}x` },
      { presharedKey: text },
      { endpoint: text },
      { allowedIps: [text] },
    ]) {
      const error = await thrownBy(() => node.device.addPeer({ ...peer, ...(change as object) }));
      expect(`${error.message} ${error.nextStep} ${error.stack}`).not.toContain(text);
    }
  });

  it("refuses everything after close", async () => {
    const { device } = node;
    await device.close();
    await device.close();
    const actions = [
      () => device.start(),
      () => device.listen(0),
      () => device.addPeer(peer),
      () => device.updatePeer(OTHER, {}),
      () => device.removePeer(OTHER),
      () => device.setPrivateKey(KEY),
      () => device.statistics(),
      () => device.publicKey,
    ];
    for (const action of actions) expect((await thrownBy(action)).code).toBe("CLOSED");
    expect(node.host.write(new Uint8Array(20))).toBe(false);
  });

  it("that is closed while it starts stays closed", async () => {
    const starting = thrownBy(() => node.device.start());
    await node.device.close();
    expect((await starting).code).toBe("CLOSED");
  });
});

describe("ports and interfaces", () => {
  it("tell of a port that is taken, and can be tried again", async () => {
    const first = await makeNode(1);
    await first.device.start();
    const second = await makeNode(2, { listenPort: first.device.listenPort });
    expect((await thrownBy(() => second.device.start())).code).toBe("PORT_IN_USE");
    await second.device.listen(0);
    await second.device.start();
    expect(second.device.listenPort).toBeGreaterThan(0);
    await second.device.close();
    await first.device.close();
  });

  it("tell of an address that is not of this machine", async () => {
    const node = await makeNode(1, { bind: new DgramBind({ ipv4: "192.0.2.77", ipv6: false }) });
    expect((await thrownBy(() => node.device.start())).code).toBe("BIND");
    await node.device.close();
  });

  it("have IPv4 and IPv6 on one port by default", async () => {
    const node = await makeNode(1, { bind: new DgramBind() });
    await node.device.start();
    expect(node.device.listenPort).toBeGreaterThan(0);
    await node.device.close();
  });

  it("that throw are told as events, and cost a packet each", async () => {
    const bind = new MemoryBind();
    const [tun, host] = tunPair();
    const peers: PeerConfig[] = [{ publicKey: OTHER, allowedIps: ["0.0.0.0/0"], endpoint: "192.0.2.1:1" }];
    const device = await Device.create({ privateKey: KEY, tun, bind, peers, limits: SMALL });
    const errors: WasmguardError[] = [];
    device.on("error", (error) => errors.push(error));
    await device.start();
    bind.answer = new Error("no route");
    host.write(Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16)));
    await expect.poll(() => errors.map(({ code }) => code)).toEqual(["BIND"]);
    expect(device.statistics().drops.send).toBe(1n);
    bind.events?.failed(new Error("gone"));
    await expect.poll(() => errors.length).toBe(2);
    await device.close();
    expect(bind.closed).toBe(1);
  });
});

function manyAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.1`);
}

function manyNetworks(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `172.16.${i >> 8}.${i & 255}`);
}
