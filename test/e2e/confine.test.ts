/**
 * What a running daemon can still do, in every runtime that has an FFI: on each thread, by what the kernel says of it, and
 * by what a process that took the same steps is refused.
 */
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { findRuntime, type RuntimeName, runArguments } from "../support/runtimes.ts";
import { Daemon } from "./support/daemon.ts";
import { waitFor } from "./support/exec.ts";
import { type Implementation, wasmguard, wasmguardOnNode } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { ping } from "./support/traffic.ts";
import { openDaemon, openTopology, openTunnel } from "./support/tunnel.ts";

const PROBE = fileURLToPath(new URL("./support/confined-probe.ts", import.meta.url));
/** CAP_NET_BIND_SERVICE and CAP_NET_RAW. */
const SOCKET_RIGHTS = (1n << 10n) | (1n << 13n);
const NOBODY = "65534\t65534\t65534\t65534";

const runtimes: { name: RuntimeName; args: readonly string[] }[] = [
  { name: "node26", args: [] },
  { name: "node22", args: [] },
  { name: "deno", args: ["run", "--quiet", "--allow-all"] },
  { name: "bun", args: [] },
  { name: "bun-musl", args: [] },
];

type ThreadStatus = Record<string, string>;

/** /proc/PID/task/N/status of every thread; the first is the main one. */
function threads(pid: number): ThreadStatus[] {
  const numbers = readdirSync(`/proc/${pid}/task`).sort((a, b) => Number(a) - Number(b));
  return numbers.map((number) => {
    const lines = readFileSync(`/proc/${pid}/task/${number}/status`, "utf8").trim().split("\n");
    return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
  });
}

/** All capabilities that any thread holds in any set. */
function heldCapabilities(pid: number): bigint {
  const sets = threads(pid).flatMap(({ CapPrm, CapEff, CapInh, CapAmb }) => [CapPrm, CapEff, CapInh, CapAmb]);
  return sets.reduce((all, set) => all | BigInt(`0x${set}`), 0n);
}

/** The same program with further options. */
function withOptions(implementation: Implementation, ...options: string[]): Implementation {
  return { ...implementation, command: [...implementation.command, ...options] };
}

describe.each(runtimes)("wasmguard on $name", ({ name, args }) => {
  test("no thread is root, and each is filtered; the main one may mark packets and take low ports", async (ctx) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
    const near = wasmguard(`wasmguard on ${name}`, [runtime.path, ...args]);
    const { daemon } = await openDaemon(ctx, near);
    const [pid = 0] = daemon.pids();
    for (const thread of threads(pid)) {
      expect(thread).toMatchObject({ Uid: NOBODY, Gid: NOBODY, NoNewPrivs: "1", Seccomp: "2" });
      expect(thread.Groups?.trim()).toBe("");
    }
    expect(heldCapabilities(pid)).toBe(SOCKET_RIGHTS);
    // JavaScriptCore ends threads that have had nothing to do for a while and starts others, and these have what the main one has.
    const others = name.startsWith("bun") ? SOCKET_RIGHTS : 0n;
    for (const { CapPrm } of threads(pid).slice(1)) expect(BigInt(`0x${CapPrm}`) & ~others).toBe(0n);
    expect(Number.parseInt(threads(pid)[0]!.VmLck!, 10)).toBeGreaterThan(100_000);
    expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/Max core file size +0 +0/);
  });

  test("everything that `wg` sets still works, and the socket is gone at the end", async (ctx) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
    const near = wasmguard(`wasmguard on ${name}`, [runtime.path, ...args]);
    const tunnel = await openTunnel(ctx, { name: near.name, near, far: wasmguardOnNode });
    const { daemon } = tunnel.near;
    expect((await ping(tunnel.near.namespace, tunnel.far.inside("ipv4"), { count: 2 })).received).toBe(2);
    await daemon.wg("set", daemon.interface, "listen-port", "40404", "fwmark", "0x77");
    expect(await daemon.wg("showconf", daemon.interface)).toMatch(/ListenPort = 40404\nFwMark = 0x77/);
    await tunnel.near.namespace.ip("link", "set", daemon.interface, "down");
    await tunnel.near.namespace.ip("link", "set", daemon.interface, "up");
    const peer = tunnel.far.keys.publicKey;
    // `wg` looks up the zone too, in the namespace that it runs in.
    const wg = (...words: string[]) => tunnel.near.namespace.run(["wg", ...words]);
    await wg("set", daemon.interface, "peer", peer, "endpoint", `[fe80::1%${tunnel.link}]:7`);
    expect(await wg("show", daemon.interface, "endpoints")).toContain(`[fe80::1%${tunnel.link}]:7`);
    await daemon.wg("set", daemon.interface, "peer", peer, "endpoint", tunnel.far.endpoint("ipv6"));
    expect((await ping(tunnel.near.namespace, tunnel.far.inside("ipv4"), { count: 3 })).received).toBeGreaterThan(0);
    daemon.signal("SIGTERM");
    expect(await daemon.ends(15_000)).toBe(true);
    expect(existsSync(daemon.socket)).toBe(false);
    expect(tunnel.near.namespace.pids()).toEqual([]);
  });

  test("what it has no need of is refused", async (ctx) => {
    requireLab(ctx);
    const runtime = findRuntime(name);
    if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
    const namespace = await openTopology(ctx, wasmguardOnNode).namespace("probe");
    const command = [runtime.path, ...runArguments(name, PROBE)];
    const { status, complaints, attempts } = JSON.parse(await namespace.run(command));
    expect(complaints).toEqual([]);
    expect(status).toMatchObject({ user: "nobody", noNewPrivileges: true, seccomp: true, dumpable: false });
    expect(status.capabilities).toEqual(["CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]);
    const noFiles = name.startsWith("bun") ? "EAGAIN" : "EPERM";
    for (const call of ["readShadow", "readPublicFile", "writeFile"]) expect(attempts[call]).toBe(noFiles);
    for (const call of ["unlink", "mkdir", "tcpSocket", "unixSocket", "netlinkSocket", "signalOther"])
      expect([call, attempts[call]]).toEqual([call, -1]);
    // musl has every thread do it, by a signal that is refused: "try again".
    expect(attempts.becomeRoot).toBe(name === "bun-musl" ? -11 : -1);
    expect([attempts.fork, attempts.moreRights, attempts.udpSocket]).toEqual([-1, -1, 0]);
    expect(attempts.tcpConnect).toMatch(/EPERM|EACCES|ECONNREFUSED/);
    const killed = await namespace.attempt([...command, "exec"]);
    expect(killed.signal).toBe("SIGSYS");
  });
});

describe("options", () => {
  test("--drop-socket-rights leaves no capability; traffic and a new port do without, a mark is refused", async (ctx) => {
    const near = withOptions(wasmguardOnNode, "--drop-socket-rights");
    const tunnel = await openTunnel(ctx, { name: near.name, near, far: wasmguardOnNode });
    const { daemon } = tunnel.near;
    expect(heldCapabilities(daemon.pids()[0]!)).toBe(0n);
    await daemon.wg("set", daemon.interface, "listen-port", "40405");
    await expect(daemon.wg("set", daemon.interface, "fwmark", "1")).rejects.toThrow();
    expect(daemon.log()).toMatch(/fwmark: the kernel lets only processes with CAP_NET_/);
    expect((await ping(tunnel.near.namespace, tunnel.far.inside("ipv4"), { count: 2 })).received).toBe(2);
    await expect(daemon.wg("set", daemon.interface, "listen-port", "443")).rejects.toThrow();
  });

  test("a port below 1024 is bound, before and after the interface comes up", async (ctx) => {
    const { daemon, namespace } = await openDaemon(ctx, wasmguardOnNode);
    const bound = async (port: number) => (await namespace.run(["ss", "-ulnH", `sport = :${port}`])).trim().split("\n");
    await daemon.wg("set", daemon.interface, "listen-port", "443");
    await namespace.ip("link", "set", daemon.interface, "up");
    expect(await waitFor(async () => (await bound(443)).length === 2, 15_000)).toBe(true);
    await daemon.wg("set", daemon.interface, "listen-port", "53", "fwmark", "7");
    expect(await bound(53)).toHaveLength(2);
  });

  test("mark, large buffers and low ports outlive changes of port and a move to another namespace", async (ctx) => {
    const { daemon, namespace, topology } = await openDaemon(ctx, wasmguardOnNode);
    const away = await topology.namespace("away");
    const asked = 7 << 20;
    const limit = Math.min(asked, Number(readFileSync("/proc/sys/net/core/rmem_max", "latin1")));
    const receiveBuffers = async (port: number): Promise<number[]> => {
      const sockets = await namespace.run(["ss", "-ulnmH", `sport = :${port}`]);
      return [...sockets.matchAll(/\brb(\d+)/g)].map((match) => Number(match[1]));
    };
    await namespace.ip("link", "set", daemon.interface, "up");
    await namespace.ip("link", "set", daemon.interface, "netns", away.name);
    await away.ip("link", "set", daemon.interface, "up");
    for (const port of [853, 443, 40_500]) {
      await daemon.wg("set", daemon.interface, "listen-port", `${port}`, "fwmark", `${port}`);
      expect(await waitFor(async () => (await receiveBuffers(port)).length === 2, 15_000)).toBe(true);
      for (const bytes of await receiveBuffers(port)) expect(bytes).toBe(2 * asked);
    }
    // The reserve is used up in the end; then the system's limit holds, and all else goes on.
    for (let port = 40_501; port < 40_520; port++) await daemon.wg("set", daemon.interface, "listen-port", `${port}`);
    const [last = 0] = await receiveBuffers(40_519);
    expect(last).toBe(2 * limit);
    await daemon.wg("set", daemon.interface, "listen-port", "123", "fwmark", "5");
    expect(await receiveBuffers(123)).toHaveLength(2);
  });

  test("a user of its own is preferred; with `nobody` the start warns once", async (ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("users");
    const users = topology.file(
      "passwd",
      `${readFileSync("/etc/passwd", "utf8")}\nwasmguard:x:977:977::/:/usr/sbin/nologin\n`,
    );
    chmodSync(users, 0o644);
    const start = ["unshare", "--mount", "sh", "-c", `mount --bind ${users} /etc/passwd; exec "$@"`, "sh"];
    const command = [...start, ...wasmguardOnNode.command];
    const own = await Daemon.start(topology, namespace, { ...wasmguardOnNode, command }, topology.interfaceName());
    expect(threads(own.pids()[0]!)[0]!.Uid).toBe("977\t977\t977\t977");
    expect(own.log()).toBe("");
    const name = topology.interfaceName();
    const shared = await namespace.attempt([...wasmguardOnNode.command, name], { env: { LOG_LEVEL: undefined } });
    expect(shared.stderr).toMatch(/^wasmguard: running as nobody.*\n$/);
    await namespace.ip("link", "del", name);
  });

  test("--user chooses the user, and one that does not exist is refused", async (ctx) => {
    const { daemon, namespace } = await openDaemon(ctx, withOptions(wasmguardOnNode, "--user=1234"));
    for (const thread of threads(daemon.pids()[0]!)) expect(thread.Uid).toBe("1234\t1234\t1234\t1234");
    const refused = await namespace.attempt([...wasmguardOnNode.command, "--user=nobody-at-all", "wgx"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/no user "nobody-at-all"/);
    expect(existsSync("/run/wireguard/wgx.sock")).toBe(false);
  });

  test("--no-confine leaves root its rights, but the memory of keys is locked all the same", async (ctx) => {
    const { daemon } = await openDaemon(ctx, withOptions(wasmguardOnNode, "--no-confine"));
    const [main] = threads(daemon.pids()[0]!);
    expect(main).toMatchObject({ Uid: "0\t0\t0\t0", Seccomp: "0" });
    expect(Number.parseInt(main!.VmLck!, 10)).toBeGreaterThan(100_000);
  });
});
