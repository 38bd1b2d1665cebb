/**
 * Both daemons in one namespace, their interfaces in others: the first six steps that wireguard-go's shell test takes.
 */
import { describe, expect, test } from "vitest";
import { exchange } from "./support/datagram.ts";
import { sleep } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { LoopbackBed, type Station } from "./support/loopback-bed.ts";
import { floodPing, iperf, ping, reaches } from "./support/traffic.ts";
import { makeKeyPair, showDump } from "./support/wireguard.ts";

async function linkCounters(station: Station): Promise<{ rxBytes: number; txBytes: number; rxPackets: number }> {
  const name = station.daemon.interface;
  const [link] = JSON.parse(await station.namespace.ip("-j", "-s", "link", "show", "dev", name));
  const { rx, tx } = link.stats64;
  return { rxBytes: rx.bytes, txBytes: tx.bytes, rxPackets: rx.packets };
}

async function endpointOf(peer: Station, at: Station): Promise<string | undefined> {
  const { peers } = await showDump(at.daemon.interface);
  return peers.find((each) => each.publicKey === peer.keys.publicKey)?.endpoint;
}

describe.each(pairs)("$name", (pair) => {
  test("interfaces that moved to other namespaces carry traffic and count it", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    await bed.connect("ipv4");
    expect((await floodPing(bed.two.namespace, bed.one.inside.ipv4, 10)).received).toBe(10);
    const { rxBytes, txBytes } = await linkCounters(bed.two);
    expect(rxBytes).toBeGreaterThanOrEqual(840);
    expect(rxBytes).toBeLessThan(2500);
    expect(txBytes).toBeGreaterThanOrEqual(840);
  });

  test("`wg show` counts exactly the bytes of the UDP messages", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    await bed.connect("ipv4");
    expect((await ping(bed.one.namespace, bed.two.inside.ipv4, { count: 10 })).received).toBe(10);
    // Ten echo requests of 84 bytes, padded to 96, are 128 on the wire; a handshake is 148 and 92, a keepalive 32.
    const [atOne] = (await showDump(bed.one.daemon.interface)).peers;
    const [atTwo] = (await showDump(bed.two.daemon.interface)).peers;
    expect(atOne!.receivedBytes).toBe(92 + 10 * 128);
    expect([148 + 10 * 128, 148 + 10 * 128 + 32]).toContain(atOne!.sentBytes);
    expect(atTwo).toMatchObject({ receivedBytes: atOne!.sentBytes, sentBytes: atOne!.receivedBytes });
  });

  for (const mtu of [1420, 34736]) {
    for (const outer of ["ipv4", "ipv6"] as const) {
      test(`as much as there is: TCP and unlimited UDP over ${outer} loopback, MTU ${mtu}`, async (ctx) => {
        const bed = await LoopbackBed.open(ctx, pair, mtu);
        await bed.connect(outer);
        const { one, two } = bed;
        expect(await reaches(one.namespace, two.inside.ipv4, 15_000)).toBe(true);
        for (const address of [two.inside.ipv4, two.inside.ipv6]) {
          // What the unlimited transfer before left in the queues has to drain first.
          expect(await reaches(one.namespace, address, 15_000)).toBe(true);
          expect((await floodPing(one.namespace, address, 40)).received, address).toBe(40);
          const tcp = await iperf(one.namespace, two.namespace, address, { protocol: "tcp" });
          expect(tcp.megabitsPerSecond).toBeGreaterThan(20);
          const udp = await iperf(one.namespace, two.namespace, address, { protocol: "udp", megabits: 0 });
          expect(udp.receivedBytes).toBeGreaterThan(0);
        }
        expect(await reaches(two.namespace, one.inside.ipv6, 4000)).toBe(true);
      });
    }
  }

  test("a peer is followed to another loopback address, port and family with one ping each", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    const { one, two, outside } = bed;
    await bed.connect("ipv4");
    expect(await reaches(one.namespace, two.inside.ipv4, 15_000)).toBe(true);

    await one.daemon.wg("set", one.daemon.interface, "listen-port", "9999");
    await outside.ip("-4", "addr", "del", "127.0.0.1/8", "dev", "lo");
    await outside.ip("-4", "addr", "add", "127.212.121.99/8", "dev", "lo");
    expect((await ping(one.namespace, two.inside.ipv4, { waitSeconds: 1 })).received).toBe(1);
    expect(await endpointOf(one, two)).toBe("127.212.121.99:9999");

    await one.daemon.wg("set", one.daemon.interface, "listen-port", "9998");
    await bed.setEndpoint(one, two, "::1");
    expect((await ping(one.namespace, two.inside.ipv4, { waitSeconds: 1 })).received).toBe(1);
    expect(await endpointOf(one, two)).toBe("[::1]:9998");
    expect((await ping(two.namespace, one.inside.ipv6, { waitSeconds: 1 })).received).toBe(1);
  });

  test("a packet from an address that is another peer's is dropped, but moves the endpoint", async (ctx) => {
    const bed = await LoopbackBed.open(ctx, pair);
    const { one, two } = bed;
    await bed.connect("ipv6");
    expect(await reaches(one.namespace, two.inside.ipv4, 15_000)).toBe(true);
    const wg = (...args: string[]) => one.daemon.wg("set", one.daemon.interface, ...args);
    await wg("peer", two.keys.publicKey, "allowed-ips", "192.168.241.0/24");
    /** Packets that come out of the first interface for one that the second sends. */
    const delivered = async () => {
      const before = (await linkCounters(one)).rxPackets;
      await exchange(two.namespace, one.inside.ipv4, 1111, Buffer.from("X"), 300);
      return (await linkCounters(one)).rxPackets - before;
    };
    expect(await delivered()).toBe(1);

    const specific = makeKeyPair().publicKey;
    await wg("peer", specific, "allowed-ips", `${two.inside.ipv4}/32`);
    await two.daemon.wg("set", two.daemon.interface, "listen-port", "9997");
    expect(await delivered()).toBe(0);

    await wg("peer", specific, "remove");
    expect(await endpointOf(two, one)).toBe("[::1]:9997");
    await sleep(50);
    expect(await delivered()).toBe(1);
  });
});
