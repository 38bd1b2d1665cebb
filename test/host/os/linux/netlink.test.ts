// Link, address and route events of a network namespace of the test's own.
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ENOBUFS } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { type NetworkEvent, NetworkMonitor, parseNetlink } from "../../../../host/os/linux/netlink.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

let missing: string | undefined;
let libc: Libc;
beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
});

function events(monitor: NetworkMonitor): NetworkEvent[] {
  const seen: NetworkEvent[] = [];
  while (monitor.read((event) => seen.push(event)));
  return seen;
}

/** A link message as the kernel sends it: the header, ifinfomsg, name and MTU. */
const LINK = Uint8Array.from([
  ...[52, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0, 0, 1, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  ...[8, 0, 3, 0, 0x77, 0x67, 0x30, 0, 8, 0, 4, 0, 0x8c, 5, 0, 0, 4, 0, 50, 0],
]);

test("a link message gives index, name, state and MTU", () => {
  const seen: NetworkEvent[] = [];
  parseNetlink(LINK, (event) => seen.push(event));
  expect(seen).toEqual([{ kind: "link", index: 7, name: "wg0", up: true, mtu: 1420, removed: false }]);
});

test("a message cut short at any byte is ignored", () => {
  for (let length = 0; length < LINK.length; length++) {
    parseNetlink(LINK.slice(0, length), () => expect.unreachable());
  }
});

test("arbitrary bytes, and messages with arbitrary changes, never throw or loop", () => {
  const changes = fc.array(fc.tuple(fc.nat(LINK.length * 2 - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 256 }), changes), (input) => {
      const datagram = input instanceof Uint8Array ? input : Uint8Array.from([...LINK, ...LINK]);
      if (!(input instanceof Uint8Array)) for (const [at, value] of input) datagram[at] = value;
      let count = 0;
      parseNetlink(datagram, () => count++);
      expect(count).toBeLessThanOrEqual(datagram.length / 16);
    }),
  );
});

test("an overflow is reported, and reading goes on", () => {
  const monitor = new NetworkMonitor(libc);
  const { read } = libc;
  let first = true;
  libc.read = (...args) => {
    if (!first) return read.apply(libc, args);
    first = false;
    return -ENOBUFS;
  };
  expect(events(monitor)).toEqual([{ kind: "overflow" }]);
  libc.read = read;
  monitor.close();
});

describe("in a namespace", () => {
  beforeEach((ctx) => {
    if (missing !== undefined) ctx.skip(missing);
  });

  test("links that come, change and go are told", () => {
    const monitor = new NetworkMonitor(libc);
    ip("tuntap add dev wgio5 mode tun");
    ip("link set wgio5 mtu 1300 up");
    ip("link delete wgio5");
    const links = events(monitor).flatMap((event) => (event.kind === "link" && event.name === "wgio5" ? [event] : []));
    expect(links[0]).toMatchObject({ up: false, removed: false });
    expect(links.some((link) => link.up && link.mtu === 1300)).toBe(true);
    expect(links.at(-1)).toMatchObject({ removed: true });
    monitor.close();
  });

  test("addresses and routes of both families are told", () => {
    const monitor = new NetworkMonitor(libc);
    ip("address add 10.7.1.1/32 dev lo");
    ip("address add fd07::1/128 dev lo");
    ip("address delete 10.7.1.1/32 dev lo");
    const seen = events(monitor);
    expect(seen).toContainEqual({ kind: "address", family: 4, index: 1, removed: false });
    expect(seen).toContainEqual({ kind: "address", family: 6, index: 1, removed: false });
    expect(seen).toContainEqual({ kind: "address", family: 4, index: 1, removed: true });
    expect(seen).toContainEqual({ kind: "route", family: 4, removed: false });
    expect(seen).toContainEqual({ kind: "route", family: 6, removed: false });
    monitor.close();
  });
});
