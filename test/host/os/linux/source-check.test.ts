// Cached source addresses against the routes of a network namespace of the test's own.
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import {
  clearSource,
  PATH_BYTES,
  pathInterface,
  pathLocalAt,
  setPathInterface,
  writeEndpoint,
} from "../../../../host/core/records/path.ts";
import type { Peer } from "../../../../host/engine/peer.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { parseAnswer, RouteQuery } from "../../../../host/os/linux/route-query.ts";
import { SourceCheck } from "../../../../host/os/linux/source-check.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const PAGES = 8;
/** For what the kernel does by itself, on a machine with much else to do. */
const WAIT = { timeout: 20_000, interval: 50 };
let missing: string | undefined;
let libc: Libc;
/** Interface numbers. */
let first = 0;
let second = 0;

const index = (name: string): number => JSON.parse(ip(`-j link show dev ${name}`))[0].ifindex;

beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true }));
  if (missing !== undefined) return;
  for (const [name, subnet] of [
    ["first", 1],
    ["second", 2],
  ] as const) {
    ip(`link add ${name} type veth peer name ${name}-end`);
    ip(`link set ${name}-end up`);
    ip(`link set ${name} up`);
    ip(`address add 10.7.${subnet}.1/24 dev ${name}`);
    ip(`address add fd07:${subnet}::1/64 dev ${name} nodad`);
  }
  // The kernel gives an IPv6 address its local route later, from a work queue.
  await vi.waitFor(() => {
    for (const subnet of [1, 2]) expect(ip("-6 route show table local")).toContain(`local fd07:${subnet}::1 `);
  }, WAIT);
  first = index("first");
  second = index("second");
}, 30_000);

const v4 = (...bytes: number[]) => bytes;
const v6 = (subnet: number, host: number) => [0xfd, 7, 0, subnet, ...new Array(11).fill(0), host];

interface Source {
  readonly to: number[];
  readonly from: number[];
  readonly interface: number;
}

/** As much of a core and its peers as the check looks at. */
function peersWith(sources: (Source | undefined)[]): { core: Core; peers: Peer[]; kept: () => boolean[] } {
  const views = viewsOf(libc.memory);
  views.bytes.fill(0);
  const peers = sources.map((source, i) => {
    const path = i * PATH_BYTES;
    if (source !== undefined) {
      writeEndpoint(views, path, { address: Uint8Array.from(source.to), port: 51820, scope: 0 });
      views.bytes.set(source.from, pathLocalAt(path));
      setPathInterface(views, path, source.interface);
    }
    return {
      path,
      alive: true,
      clearSource: () => clearSource(views, path),
    } as unknown as Peer;
  });
  const core = { views, bytes: views.bytes } as unknown as Core;
  return { core, peers, kept: () => peers.map(({ path }) => pathInterface(views, path) !== 0) };
}

/** Look at all sources once. @returns which were kept, and in how many turns */
function check(sources: (Source | undefined)[], mark = 0): { kept: boolean[]; turns: number } {
  const { core, peers, kept } = peersWith(sources);
  const checker = new SourceCheck({ core, libc, peers: () => peers, mark: () => mark });
  expect(checker.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  checker.news();
  let turns = 0;
  for (; checker.nextDeadline() <= turns; turns++) checker.advance(turns);
  checker.close();
  return { kept: kept(), turns };
}

describe("in a namespace", () => {
  beforeEach((ctx) => {
    if (missing !== undefined) ctx.skip(missing);
  });

  test.for([
    { family: 4, at: (subnet: number, host: number) => v4(10, 7, subnet, host) },
    { family: 6, at: v6 },
  ])("IPv$family: only an own address whose route leaves where it was learnt stays", ({ at }) => {
    const { kept } = check([
      { to: at(1, 2), from: at(1, 1), interface: first },
      { to: at(2, 2), from: at(2, 1), interface: second },
      // Of another interface, as long as the route leads there.
      { to: at(1, 2), from: at(2, 1), interface: first },
      { to: at(1, 2), from: at(1, 1), interface: second },
      { to: at(1, 2), from: at(1, 9), interface: first },
      { to: at(3, 2), from: at(1, 1), interface: first },
      { to: at(1, 1), from: at(1, 1), interface: 1 },
      undefined,
    ]);
    expect(kept).toEqual([true, true, true, false, false, false, true, false]);
  });

  test("rules about the mark count", () => {
    ip("rule add fwmark 5 table 77");
    ip("route add 10.7.1.0/24 dev second table 77");
    const source = { to: v4(10, 7, 1, 2), from: v4(10, 7, 1, 1), interface: first };
    expect(check([source]).kept).toEqual([true]);
    expect(check([source], 5).kept).toEqual([false]);
    ip("rule del fwmark 5 table 77");
  });

  test("thousands of peers take several turns, each of them short", () => {
    const good = { to: v4(10, 7, 1, 2), from: v4(10, 7, 1, 1), interface: first };
    const bad = { ...good, from: v4(10, 7, 1, 9) };
    const { kept, turns } = check(Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? good : bad)));
    expect(kept.every((stays, i) => stays === (i % 2 === 0))).toBe(true);
    expect(turns).toBeGreaterThan(20);
    expect(turns).toBeLessThan(40);
  });

  test("news during and after a pass lead to another, but not before a rest", () => {
    const { core, peers, kept } = peersWith(
      Array.from({ length: 500 }, () => ({ to: v4(10, 7, 1, 2), from: v4(10, 7, 1, 1), interface: first })),
    );
    const checker = new SourceCheck({ core, libc, peers: () => peers, mark: () => 0 });
    checker.news();
    checker.advance(0);
    checker.news();
    while (checker.nextDeadline() <= 0) checker.advance(0);
    expect(kept()).not.toContain(false);
    expect(checker.nextDeadline()).toBeGreaterThan(20);
    expect(checker.nextDeadline()).toBeLessThan(100);
    peers[0]!.clearSource();
    checker.advance(100);
    while (checker.nextDeadline() <= 100) checker.advance(100);
    expect(checker.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    checker.close();
  });

  test("a source learnt where no route leads stays, without its interface", () => {
    const at = (subnet: number, host: number) => v4(10, 7, subnet, host);
    ip("route add 10.7.1.64/26 dev second metric 9");
    const { core, peers, kept } = peersWith([
      { to: at(1, 2), from: at(1, 1), interface: first },
      { to: at(1, 2), from: at(2, 1), interface: second },
      // Not the best route, but a route.
      { to: at(1, 70), from: at(1, 1), interface: first },
    ]);
    const checker = new SourceCheck({ core, libc, peers: () => peers, mark: () => 0 });
    for (const peer of peers) checker.learnt(peer);
    expect(kept()).toEqual([true, false, true]);
    expect(core.bytes.slice(pathLocalAt(peers[1]!.path), pathLocalAt(peers[1]!.path) + 4)).toEqual(
      Uint8Array.of(10, 7, 2, 1),
    );
    expect(checker.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    checker.news();
    checker.advance(1);
    expect(core.bytes[pathLocalAt(peers[1]!.path)]).toBe(10);
    checker.close();
    ip("route del 10.7.1.64/26 dev second metric 9");
  });

  test("a question about a destination without a route has no answer", () => {
    const routes = new RouteQuery(libc);
    const question = { to: Uint8Array.of(10, 9, 9, 9), interface: 0, port: 51820, mark: 0 };
    expect(routes.ask(question)).toBeUndefined();
    expect(routes.ask({ ...question, to: Uint8Array.of(10, 7, 2, 9) })).toEqual({ interface: second, local: false });
    expect(routes.ask({ ...question, to: Uint8Array.of(10, 7, 2, 1) })).toMatchObject({ local: true });
    routes.close();
  });
});

test("arbitrary answers never throw or loop", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
      if (bytes.length > 6) bytes.set([24, 0], 4);
      parseAnswer(bytes);
    }),
  );
});
