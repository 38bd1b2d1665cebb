/**
 * Kernels and containers that lack something, one thing at a time: the tunnel works without it, or the start fails with one line.
 * (Steps of confinement are in fail-closed.test.ts.)
 */
import { existsSync, unlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Daemon } from "./support/daemon.ts";
import { type Implementation, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { iperf, ping } from "./support/traffic.ts";
import { openTopology, openTunnel } from "./support/tunnel.ts";

const REFUSE = [process.execPath, fileURLToPath(new URL("./support/refuse-calls.ts", import.meta.url))];

interface Feature {
  readonly what: string;
  /** As refuse-calls.ts takes it. */
  readonly refused: string;
  /** In the log of errors; nothing is said of the others. */
  readonly says?: RegExp;
}

const DONE_WITHOUT: readonly Feature[] = [
  { what: "the size of vnet headers cannot be set", refused: "ioctl:TUNSETVNETHDRSZ=EINVAL" },
  {
    what: "the size of vnet headers can be neither set nor read",
    refused: "ioctl:TUNSETVNETHDRSZ=EINVAL,ioctl:TUNGETVNETHDRSZ=EINVAL",
  },
  { what: "no offloads at the TUN device", refused: "ioctl:TUNSETOFFLOAD=EINVAL" },
  { what: "no netlink", refused: "socket:AF_NETLINK=EAFNOSUPPORT", says: /no netlink: .*\(EAFNOSUPPORT\)/ },
  { what: "no inotify", refused: "inotify_init1=ENOSYS" },
  { what: "no more watches of inotify", refused: "inotify_add_watch=ENOSPC" },
  { what: "no getrandom", refused: "getrandom=ENOSYS" },
  { what: "no ppoll", refused: "ppoll=ENOSYS" },
  { what: "no sendmmsg", refused: "sendmmsg=ENOSYS" },
  { what: "no recvmmsg", refused: "recvmmsg=ENOSYS" },
  { what: "no UDP_SEGMENT", refused: "setsockopt:UDP_SEGMENT=ENOPROTOOPT" },
  { what: "no UDP_GRO", refused: "setsockopt:UDP_GRO=ENOPROTOOPT" },
  { what: "no IP_PKTINFO", refused: "setsockopt:IP_PKTINFO=ENOPROTOOPT" },
  { what: "no IP_RECVTOS", refused: "setsockopt:IP_RECVTOS=ENOPROTOOPT" },
  { what: "no mlock2", refused: "mlock2=ENOSYS", says: /may be written to swap/ },
  { what: "no IPv6", refused: "socket:AF_INET6=EAFNOSUPPORT" },
];

/** In a place that refuses this. */
function without(refused: string, implementation: Implementation = wasmguardOnNode): Implementation {
  return { ...implementation, command: [...REFUSE, refused, ...implementation.command] };
}

describe.each(DONE_WITHOUT)("$what", ({ refused, says }) => {
  test("pings and TCP go both ways, and it ends as it should", async (ctx) => {
    const near = without(refused);
    const tunnel = await openTunnel(ctx, { name: "without", near, far: wireguardGo });
    const { daemon, namespace } = tunnel.near;
    const inside = tunnel.far.inside("ipv4");
    // Every way of waiting has its turn: for lone packets, and for many.
    expect((await ping(namespace, inside, { count: 20, intervalSeconds: 0.01 })).received).toBe(20);
    for (const direction of ["forward", "reverse"] as const) {
      const result = await iperf(namespace, tunnel.far.namespace, inside, { protocol: "tcp", direction, seconds: 1 });
      expect(result.megabitsPerSecond).toBeGreaterThan(1);
    }
    const errors = daemon
      .log()
      .split("\n")
      .filter((line) => line !== "" && !line.includes("running as nobody"));
    if (says === undefined) expect(errors).toEqual([]);
    else expect(errors.join("\n")).toMatch(says);
    await expectEnd(daemon, refused.startsWith("inotify") ? "socket removed" : "SIGTERM");
  });
});

/** One that cannot hear of the socket's end sees it. */
async function expectEnd(daemon: Daemon, how: "SIGTERM" | "socket removed"): Promise<void> {
  if (how === "SIGTERM") daemon.signal("SIGTERM");
  else unlinkSync(daemon.socket);
  expect(await daemon.ends(15_000)).toBe(true);
  expect(existsSync(daemon.socket)).toBe(false);
}

describe.each([
  { what: "nothing can be waited for", refused: "poll=EPERM", says: /^wasmguard: poll: EPERM\. / },
  {
    what: "no TUN device may be made",
    refused: "ioctl:TUNSETIFF=EPERM",
    says: /not allowed to open TUN device .* CAP_NET_ADMIN/,
  },
  { what: "no unix sockets", refused: "socket:AF_UNIX=EAFNOSUPPORT", says: /^wasmguard: socket: EAFNOSUPPORT\. / },
])("$what", ({ refused, says }) => {
  test("the start fails with one line", async (ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("lacking");
    const name = topology.interfaceName();
    const result = await namespace.attempt([...without(refused).command, name], { env: { LOG_LEVEL: undefined } });
    const lines = result.stderr.split("\n").filter((line) => line !== "" && !line.includes("running as nobody"));
    expect(result.code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(says);
    expect(existsSync(`/run/wireguard/${name}.sock`)).toBe(false);
    expect(namespace.pids()).toEqual([]);
  });
});
