// Whether a peer is answered at one of its own addresses, against the routes of a network namespace of the test's own.
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Core, Endpoint } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { setPathInterface, writeEndpoint } from "../../../../host/core/records/path.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { EndpointCheck } from "../../../../host/os/endpoint-check.ts";
import { RouteQuery } from "../../../../host/os/linux/route-query.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const PATH = 4096;
const MARK = 51_820;
let missing: string | undefined;
let libc: Libc;
let tunnel = 0;
let outside = 0;

const index = (name: string): number => JSON.parse(ip(`-j link show dev ${name}`))[0].ifindex;

beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true }));
  if (missing !== undefined) return;
  ip("tuntap add name tunnel mode tun");
  ip("link add outside type veth peer name far");
  for (const name of ["tunnel", "outside", "far"]) ip(`link set ${name} up`);
  // A TUN device that nobody has open carries nothing, and has its routes all the same.
  ip("address add 10.7.0.1/24 dev tunnel");
  ip("address add fd07::1/64 dev tunnel nodad");
  ip("address add 192.0.2.1/24 dev outside");
  ip("address add 2001:db8::1/64 dev outside nodad");
  ip("route add default dev tunnel table 51820");
  ip("-6 route add default dev tunnel table 51820");
  ip(`rule add not fwmark ${MARK} table 51820`);
  ip(`-6 rule add not fwmark ${MARK} table 51820`);
  ip("route add default via 192.0.2.2 dev outside");
  ip("-6 route add default via 2001:db8::2 dev outside");
  tunnel = index("tunnel");
  outside = index("outside");
});
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

interface Situation {
  readonly mark?: number;
  readonly device?: number;
  readonly heardOn?: number;
}

function check(address: number[], { mark = 0, device = tunnel, heardOn = outside }: Situation = {}): boolean {
  const views = viewsOf(libc.memory);
  const core = { views, bytes: views.bytes } as unknown as Core;
  const checker = new EndpointCheck({ core, routes: new RouteQuery(libc), device: () => device, mark: () => mark });
  const endpoint: Endpoint = { address: Uint8Array.from(address), port: 51_820, scope: 0 };
  writeEndpoint(views, PATH, endpoint);
  setPathInterface(views, PATH, heardOn);
  const answers = [checker.mayFollow(PATH), checker.mayFollow(PATH)];
  checker.close();
  expect(answers[0]).toBe(answers[1]);
  return answers[0]!;
}

const v6 = (prefix: number[], last: number) => [...prefix, ...new Array(15 - prefix.length).fill(0), last];

test.each([
  { name: "IPv4", inside: [10, 7, 0, 2], far: [198, 51, 100, 7] },
  { name: "IPv6", inside: v6([0xfd, 7], 2), far: v6([0x20, 1, 0xd, 0xb8, 0, 9], 7) },
])("$name: not at an address that the route to leads into the tunnel, whatever it is heard on", ({ inside, far }) => {
  expect(check(inside, { mark: MARK })).toBe(false);
  expect(check(inside)).toBe(false);
  // All is routed into the tunnel but what bears the mark.
  expect(check(far, { mark: MARK })).toBe(true);
  expect(check(far)).toBe(false);
  // It came through the tunnel.
  expect(check(far, { mark: MARK, heardOn: tunnel })).toBe(false);
});

test("an interface in another namespace is no way back into the tunnel from here", () => {
  expect(check([10, 7, 0, 2], { device: 0 })).toBe(true);
});

test("the answer changes with the routes, once there is news of them", () => {
  const views = viewsOf(libc.memory);
  const core = { views, bytes: views.bytes } as unknown as Core;
  const checker = new EndpointCheck({ core, routes: new RouteQuery(libc), device: () => tunnel, mark: () => MARK });
  writeEndpoint(views, PATH, { address: Uint8Array.of(203, 0, 113, 5), port: 1, scope: 0 });
  expect(checker.mayFollow(PATH)).toBe(true);
  ip("route add 203.0.113.0/24 dev tunnel");
  expect(checker.mayFollow(PATH)).toBe(true);
  checker.news();
  expect(checker.mayFollow(PATH)).toBe(false);
  ip("route del 203.0.113.0/24 dev tunnel");
  checker.close();
});
