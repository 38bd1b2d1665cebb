/**
 * The address that answers leave from: the one the peer asked, for as long as it is ours and the route from it leads
 * out where the question came in. Each test moves addresses, routes or links under an end that has such a source, and
 * lets that end send the next packet.
 */
import { describe, expect, type TestContext, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { type Pair, pairs } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { ping, reaches } from "./support/traffic.ts";
import { type End, type Family, formatEndpoint, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { showDump } from "./support/wireguard.ts";

const FAMILIES: Family[] = ["ipv4", "ipv6"];
const SECOND = { ipv4: "198.51.100.20", ipv6: "2001:db8:1::20" };
const BITS = { ipv4: 24, ipv6: 64 };

interface Bed {
  readonly tunnel: Tunnel;
  /** The end whose source address is watched, and the one that watches. */
  readonly own: End;
  readonly other: End;
}

async function open(ctx: TestContext, pair: Pair): Promise<Bed> {
  const label = pair.far.keepsLostSource ? "near" : "far";
  if (pair[label].keepsLostSource) cannotRun(ctx, `${pair[label].name} does not check its source again`);
  const tunnel = await openTunnel(ctx, pair);
  const own = tunnel[label];
  const other = tunnel.other(own);
  // Answers that come in elsewhere than questions go out are not to be taken for forgeries.
  for (const end of [own, other]) {
    for (const which of ["all", "default", tunnel.link])
      await end.namespace.sysctl(`net.ipv4.conf.${which}.rp_filter`, "0");
  }
  // A new link finds its IPv6 neighbours only after a while.
  for (const family of FAMILIES) expect(await reaches(own.namespace, other.outside(family), 15_000)).toBe(true);
  return { tunnel, own, other };
}

/** The other end talks to `address`, which the end that is watched then answers from. */
async function askAt({ own, other }: Bed, address: string): Promise<void> {
  const endpoint = formatEndpoint(address, own.port);
  await other.daemon.wg("set", other.interface, "peer", own.keys.publicKey, "endpoint", endpoint);
  expect(await reaches(other.namespace, own.inside("ipv4"), 12_000)).toBe(true);
  await expectSource({ own, other }, address);
}

/** Whence the other end has its latest packet. */
async function expectSource({ own, other }: Pick<Bed, "own" | "other">, address: string): Promise<void> {
  const seen = async () => (await showDump(other.interface)).peers[0]!.endpoint;
  await waitFor(async () => (await seen()) === formatEndpoint(address, own.port), 15_000);
  expect(await seen()).toBe(formatEndpoint(address, own.port));
}

/** One packet, and no second chance. */
async function pingOnce({ own, other }: Bed): Promise<void> {
  expect((await ping(own.namespace, other.inside("ipv4"), { waitSeconds: 1 })).received).toBe(1);
}

const optionOf = (family: Family) => (family === "ipv4" ? "-4" : "-6");

/** Another link between the two, on which only the end that is watched has an address. @returns its name */
async function secondLink({ own, other, tunnel }: Bed, family: Family, address: string): Promise<string> {
  const addresses = [`${address}/${family === "ipv4" ? 32 : 128}`];
  const side = await tunnel.topology.connect(
    { namespace: own.namespace, addresses },
    { namespace: other.namespace, addresses: [] },
  );
  await nameNeighbour(other, own, side, family, address);
  const source = ["src", other.outside(family)];
  await other.namespace.ip(optionOf(family), "route", "add", address, "dev", side, ...source);
  return side;
}

async function preferSecondLink({ own, other }: Bed, family: Family, side: string, more: string[]): Promise<void> {
  const target = other.outside(family);
  await nameNeighbour(own, other, side, family, target);
  await own.namespace.ip(optionOf(family), "route", "add", target, "dev", side, ...more, "metric", "1");
}

/** Nobody answers for an address of another interface in IPv6, nor soon on a new link. */
async function nameNeighbour(at: End, of: End, device: string, family: Family, address: string): Promise<void> {
  const [link] = JSON.parse(await of.namespace.ip("-j", "link", "show", "dev", device));
  const entry = [address, "lladdr", link.address, "dev", device, "nud", "permanent"];
  await at.namespace.ip(optionOf(family), "neigh", "replace", ...entry);
}

describe.each(pairs)("$name", (pair) => {
  for (const family of FAMILIES) {
    const second = SECOND[family];
    const option = optionOf(family);

    test(`${family}: other addresses, routes and rules that come and go leave it alone`, async (ctx) => {
      const bed = await open(ctx, pair);
      const { own, tunnel } = bed;
      await own.namespace.addAddress(tunnel.link, `${second}/${BITS[family]}`);
      await askAt(bed, second);
      await own.namespace.ip("link", "add", "other", "type", "veth", "peer", "name", "other-end");
      await own.namespace.ip("link", "set", "other", "up");
      await own.namespace.addAddress("other", family === "ipv4" ? "10.99.0.1/24" : "2001:db8:99::1/64");
      await own.namespace.ip(option, "rule", "add", "fwmark", "7", "table", "99");
      await pingOnce(bed);
      await expectSource(bed, second);
      await own.namespace.ip("link", "del", "other");
      await pingOnce(bed);
      await expectSource(bed, second);
    });

    test(`${family}: an address that goes away is forgotten, though its network stays`, async (ctx) => {
      const bed = await open(ctx, pair);
      const { own, tunnel } = bed;
      await own.namespace.addAddress(tunnel.link, `${second}/${BITS[family]}`);
      await askAt(bed, second);
      await own.namespace.ip("addr", "del", `${second}/${BITS[family]}`, "dev", tunnel.link);
      await pingOnce(bed);
      await expectSource(bed, own.outside(family));
    });

    test(`${family}: answers come from an address of another interface, when that was asked`, async (ctx) => {
      const bed = await open(ctx, pair);
      const { own, other, tunnel } = bed;
      const elsewhere = family === "ipv4" ? "10.50.0.1" : "2001:db8:50::1";
      await own.namespace.ip("link", "add", "elsewhere", "type", "veth", "peer", "name", "elsewhere-end");
      await own.namespace.ip("link", "set", "elsewhere", "up");
      await own.namespace.addAddress("elsewhere", `${elsewhere}/${BITS[family]}`);
      const via = ["via", own.outside(family), "dev", tunnel.link];
      const network = family === "ipv4" ? "10.50.0.0/24" : "2001:db8:50::/64";
      await other.namespace.ip(option, "route", "add", network, ...via);
      await askAt(bed, elsewhere);
      await pingOnce(bed);
      await expectSource(bed, elsewhere);
      await own.namespace.ip("link", "del", "elsewhere");
      await pingOnce(bed);
      await expectSource(bed, own.outside(family));
    });

    test(`${family}: a better route over another interface is taken, with its address`, async (ctx) => {
      const bed = await open(ctx, pair);
      const third = family === "ipv4" ? "198.51.100.30" : "2001:db8:1::30";
      const side = await secondLink(bed, family, third);
      await askAt(bed, bed.own.outside(family));
      await preferSecondLink(bed, family, side, ["src", third]);
      await pingOnce(bed);
      await expectSource(bed, third);
    });

    test(`${family}: a peer heard where no route to it leads is answered all the same, from the address it asked`, async (ctx) => {
      const bed = await open(ctx, pair);
      await bed.other.namespace.sysctl("net.ipv4.conf.all.arp_ignore", "1");
      const there = family === "ipv4" ? "192.0.2.2" : "2001:db8:77::2";
      await secondLink(bed, family, there);
      await askAt(bed, there);
      await pingOnce(bed);
    });

    test(`${family}: an interface that is removed is no black hole while another leads there`, async (ctx) => {
      const bed = await open(ctx, pair);
      const there = family === "ipv4" ? "192.0.2.2" : "2001:db8:77::2";
      const side = await secondLink(bed, family, there);
      await preferSecondLink(bed, family, side, []);
      await askAt(bed, there);
      await bed.own.namespace.ip("link", "del", side);
      await pingOnce(bed);
      await expectSource(bed, bed.own.outside(family));
    });
  }
});
