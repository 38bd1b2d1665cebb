/** Two devices in one process: traffic, restart, roaming, statistics. */
import { afterEach, describe, expect, it } from "vitest";
import { DgramBind, generatePresharedKey } from "../../../host/index.ts";
import { closeAll, exchange, introduce, makeNode, makePair, type Node, nextPacket, packet } from "./support.ts";

let open: Node[] = [];
afterEach(async () => {
  await closeAll(open);
  open = [];
});

async function pair(presharedKey?: Uint8Array): Promise<[Node, Node]> {
  const nodes = await makePair(presharedKey);
  open = [...nodes];
  return nodes;
}

describe("two devices", () => {
  it("carry packets both ways, over the endpoint that the first message showed", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "there");
    await exchange(right, left, "and back");
    expect(right.device.statistics().peers[0]?.endpoint).toBe(`127.0.0.1:${left.device.listenPort}`);
  });

  it("carry packets with a preshared key, and none with two different ones", async () => {
    const key = generatePresharedKey();
    const [left, right] = await pair(key);
    await exchange(left, right, "with a preshared key");
    right.device.removePeer(left.device.publicKey);
    introduce(right, left, "endpoint", generatePresharedKey());
    left.device.removePeer(right.device.publicKey);
    introduce(left, right, "endpoint", key);
    left.host.write(packet(left, right, new Uint8Array(8)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(left.device.statistics().drops.handshake + right.device.statistics().drops.handshake).toBeGreaterThan(0n);
    expect(right.device.statistics().peers[0]?.rxBytes ?? 0n).toBe(148n);
  });

  it("keep the order of a burst", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "first");
    const burst = Array.from({ length: 200 }, (_, i) =>
      packet(left, right, Uint8Array.of(i, ...new Uint8Array(i % 90))),
    );
    for (const one of burst) left.host.write(one);
    for (const one of burst) expect(Buffer.compare(await nextPacket(right), one)).toBe(0);
  });

  it("talk again after one was restarted with the same identity on another port", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "before");
    await left.device.close();
    // Two initiations within 20 ms would be a flood to the other side.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const again = await makeNode(1, { privateKey: left.privateKey });
    open.push(again);
    await again.device.start();
    introduce(again, right, "endpoint");
    await exchange(again, right, "after");
    await exchange(right, again, "and back");
  });

  it("follow a peer that moves to another port", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "here");
    const moved = new Promise((resolve) => right.device.on("endpoint", resolve));
    const before = left.device.listenPort;
    await left.device.listen(0);
    expect(left.device.listenPort).not.toBe(before);
    await exchange(left, right, "there");
    const endpoint = `127.0.0.1:${left.device.listenPort}`;
    expect(await moved).toEqual({ publicKey: left.device.publicKey, endpoint });
    await exchange(right, left, "found you");
  });

  it("keep a peer's way open with persistent keepalives, and stop when asked to", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "up");
    const received = () => right.device.statistics().peers[0]!.rxBytes;
    const before = received();
    left.device.updatePeer(right.device.publicKey, { persistentKeepalive: 1 });
    await expect.poll(received, { timeout: 3000 }).toBe(before + 64n); // the first is sent at once
    left.device.updatePeer(right.device.publicKey, { persistentKeepalive: 0 });
    const after = received();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(received()).toBe(after);
  });

  it("carry packets over IPv6", async (context) => {
    const bind = () => new DgramBind({ ipv4: false, ipv6: "::1" });
    const [left, right] = [await makeNode(1, { bind: bind() }), await makeNode(2, { bind: bind() })];
    open = [left, right];
    try {
      await left.device.start();
    } catch (error) {
      return context.skip(`this machine has no IPv6: ${error}`);
    }
    await right.device.start();
    introduce(left, right, "no endpoint");
    introduce(right, left, "no endpoint");
    left.device.updatePeer(right.device.publicKey, { endpoint: `[::1]:${right.device.listenPort}` });
    await exchange(left, right, "over IPv6");
    await exchange(right, left, "and back");
    expect(right.device.statistics().peers[0]?.endpoint).toBe(`[::1]:${left.device.listenPort}`);
  });

  it("tell of handshakes on both sides", async () => {
    const [left, right] = await pair();
    const seen = Promise.all(
      [left, right].map(({ device }) => new Promise((resolve) => device.on("handshake", resolve))),
    );
    await exchange(left, right, "hello");
    expect(await seen).toEqual([{ publicKey: right.device.publicKey }, { publicKey: left.device.publicKey }]);
  });
});

describe("statistics", () => {
  it("show every peer with its counters", async () => {
    const [left, right] = await pair();
    const before = Date.now();
    await exchange(left, right, "counted"); // 27 bytes, padded to 32
    await exchange(right, left, "counted");
    const [peer] = left.device.statistics().peers;
    expect(peer).toMatchObject({
      publicKey: right.device.publicKey,
      endpoint: `127.0.0.1:${right.device.listenPort}`,
      allowedIps: ["10.0.0.2/32", "fd00::2/128"],
      rxBytes: 92n + 64n,
      txBytes: 148n + 64n,
      persistentKeepalive: 0,
    });
    expect(Math.abs(Number(peer?.lastHandshake) - before)).toBeLessThan(10_000);
  });

  it("count what the network did not take and what the host did not take", async () => {
    const [left, right] = await pair();
    await exchange(left, right, "up");
    left.host.write(packet(left, { ...right, address: 77 }, new Uint8Array(4)));
    right.host.close();
    left.host.write(packet(left, right, new Uint8Array(4)));
    await expect.poll(() => right.device.statistics().drops.tun).toBe(1n);
    expect(left.device.statistics().drops.no_peer).toBe(1n);
  });

  it("count what the system refuses to send", async () => {
    const [left, right] = await pair();
    // A broadcast, which takes a socket option that we do not set; nothing leaves the machine.
    left.device.updatePeer(right.device.publicKey, { endpoint: "255.255.255.255:9" });
    left.host.write(packet(left, right, new Uint8Array(4)));
    await expect.poll(() => left.device.statistics().drops.send).toBe(1n);
  });

  it("answer a packet that nobody takes with destination unreachable", async () => {
    const [left] = await pair();
    left.host.write(packet(left, { ...left, address: 77 }, new Uint8Array(4)));
    const answer = await nextPacket(left);
    expect([answer[9], answer[20], answer[21]]).toEqual([1, 3, 1]);
  });
});
