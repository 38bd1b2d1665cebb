/**
 * How the daemon starts, what ends it, and what it says when it cannot start.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Daemon } from "./support/daemon.ts";
import { attempt, ended, killGroup, type Result, run, sleep, waitFor } from "./support/exec.ts";
import { subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { openDaemon, openTopology } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

const END_MS = 15_000;
const isWasmguard = subject !== wireguardGo;

/** What a user sees when a start fails: our own program says it in one line. */
function expectRefusal(result: Result, pattern: RegExp): void {
  expect(result.code).toBeGreaterThan(0);
  expect(result.stdout + result.stderr).toMatch(pattern);
  if (isWasmguard) expect(result.stderr.trim().split("\n")).toHaveLength(1);
}

/** What a process has used so far. The clock tick of /proc is 10 ms on every machine that wasmguard runs on. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

describe(subject.name, () => {
  test("socket and interface exist when the command returns", async (ctx) => {
    const { daemon, namespace } = await openDaemon(ctx, subject);
    expect(existsSync(daemon.socket)).toBe(true);
    expect(await namespace.ip("link", "show", daemon.interface)).toContain("mtu 1420");
    expect(await daemon.wg("show", daemon.interface)).toContain(`interface: ${daemon.interface}`);
    expect(statSync(daemon.socket).mode & 0o077).toBe(0);
  });

  test.for(["SIGINT", "SIGTERM"] as const)("%s ends it and leaves nothing", async (signal, ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    daemon.signal(signal);
    expect(await daemon.ends(END_MS)).toBe(true);
    expect(existsSync(daemon.socket)).toBe(false);
    expect(await waitFor(() => daemon.interfaceIsGone(), 15_000)).toBe(true);
  });

  test("removing its socket ends it", async (ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    unlinkSync(daemon.socket);
    expect(await daemon.ends(END_MS)).toBe(true);
    expect(await waitFor(() => daemon.interfaceIsGone(), 15_000)).toBe(true);
  });

  test("`ip link del` ends it, and the name can be used again at once", async (ctx) => {
    const { daemon, namespace, topology } = await openDaemon(ctx, subject);
    await namespace.ip("link", "del", daemon.interface);
    expect(await daemon.ends(END_MS)).toBe(true);
    expect(existsSync(daemon.socket)).toBe(false);
    const again = await Daemon.start(topology, namespace, subject, daemon.interface);
    expect(await again.wg("show", again.interface)).toContain("interface");
  });

  test("a socket left by a crash is replaced", async (ctx) => {
    const { daemon, namespace, topology } = await openDaemon(ctx, subject);
    await daemon.crash();
    expect(existsSync(daemon.socket)).toBe(true);
    const again = await Daemon.start(topology, namespace, subject, daemon.interface);
    expect(await again.wg("show", again.interface)).toContain("interface");
  });

  test("a name that is taken is refused, and the first daemon stays", async (ctx) => {
    const { daemon, namespace } = await openDaemon(ctx, subject);
    const second = await namespace.attempt([...subject.command, daemon.interface], { env: { LOG_LEVEL: "error" } });
    expectRefusal(second, /busy|exists|in use|taken/i);
    expect(await daemon.wg("show", daemon.interface)).toContain("interface");
  });

  test("a port that is taken is an error of `wg`, and another one can be set", async (ctx) => {
    const { daemon, namespace, topology } = await openDaemon(ctx, subject);
    const other = await Daemon.start(topology, namespace, subject, topology.interfaceName());
    for (const each of [daemon, other]) await namespace.ip("link", "set", each.interface, "up");
    await other.wg("set", other.interface, "listen-port", "40001");
    await expect(daemon.wg("set", daemon.interface, "listen-port", "40001")).rejects.toThrow(/already in use/i);
    await daemon.wg("set", daemon.interface, "listen-port", "40002");
    expect(await daemon.wg("show", daemon.interface, "listen-port")).toBe("40002\n");
  });

  test("without a descriptor for another client it goes on, says so once, and answers when it has one", async (ctx) => {
    if (!isWasmguard) cannotRun(ctx, "wireguard-go ends then");
    requireLab(ctx, "prlimit");
    const { daemon } = await openDaemon(ctx, subject);
    const [pid = 0] = daemon.pids();
    // Root in a container may lack the right over others' limits; their own user has it.
    const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    const limit = (descriptors: number) => run(["prlimit", `--pid=${pid}`, `--nofile=${descriptors}:`], { uid });
    const open = () => readdirSync(`/proc/${pid}/fd`).map(Number);
    // The client that saw it ready may not have been let go of yet.
    let last: number[] = [];
    const settled = () => {
      const before = last;
      last = open();
      return `${before}` === `${last}`;
    };
    expect(await waitFor(settled, 5000, 200)).toBe(true);
    let free = 0;
    while (last.includes(free)) free++;
    await limit(free);
    const answer = daemon.wg("show", daemon.interface, "listen-port");
    await sleep(500);
    const before = processorMs(pid);
    await sleep(2500);
    expect(processorMs(pid) - before).toBeLessThan(500);
    expect(daemon.log().match(/clients must wait.*EMFILE\n/g)).toHaveLength(1);
    await limit(1024);
    expect(await answer).toMatch(/^\d+\n$/);
    expect(await daemon.wg("show", daemon.interface)).toContain("interface");
  });

  test("without root it says so and ends", async (ctx) => {
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("user");
    const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    const result = await namespace.attempt([...nobody, ...subject.command, topology.interfaceName()], {
      env: { LOG_LEVEL: "error" },
      cwd: "/",
    });
    expectRefusal(result, /permi|root|CAP_NET_ADMIN/i);
  });

  test("a name too long for an interface is refused", async (ctx) => {
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("long");
    const result = await namespace.attempt([...subject.command, "-f", "a-name-of-17-bytes"]);
    // wireguard-go says it, but ends with code 0.
    if (isWasmguard) expectRefusal(result, /name/i);
    else expect(result.stdout + result.stderr).toMatch(/name too long/);
  });

  test.for([
    { how: "-f", args: ["-f"], env: {} },
    { how: "WG_PROCESS_FOREGROUND=1", args: [], env: { WG_PROCESS_FOREGROUND: "1" } },
  ])("$how keeps it in the foreground until a signal ends it with code 0", async ({ args, env }, ctx) => {
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("fg");
    const name = topology.interfaceName();
    const child = namespace.start([...subject.command, ...args, name], { env });
    try {
      expect(await waitFor(() => existsSync(`/run/wireguard/${name}.sock`), 15_000)).toBe(true);
      expect(await run(["wg", "show", name])).toContain("interface");
      expect(child.exitCode).toBeNull();
      process.kill(child.pid!, "SIGTERM");
      expect(await ended(child, END_MS)).toBe(true);
      expect(child.exitCode).toBe(0);
    } finally {
      killGroup(child);
    }
  });

  test("a terminal that closes ends it as any signal does: no socket stays behind", async (ctx) => {
    if (!isWasmguard) cannotRun(ctx, "SIGHUP kills wireguard-go");
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("hup");
    const name = topology.interfaceName();
    const child = namespace.start([...subject.command, "-f", name]);
    try {
      expect(await waitFor(async () => (await attempt(["wg", "show", name])).code === 0, 15_000)).toBe(true);
      // The shell tells its children, and the kernel those of the terminal. Without a turn of the event loop between: who ends meanwhile keeps its number.
      process.kill(-child.pid!, "SIGHUP");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      process.kill(-child.pid!, "SIGHUP");
      expect(await ended(child, END_MS)).toBe(true);
      expect([child.exitCode, existsSync(`/run/wireguard/${name}.sock`)]).toEqual([0, false]);
    } finally {
      killGroup(child);
    }
  });

  test("its socket is removed from a directory that it may not look into any more, and it knows", async (ctx) => {
    if (!isWasmguard) cannotRun(ctx, "wireguard-go's directory is a fixed one");
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("closed");
    const name = topology.interfaceName();
    const directory = mkdtempSync(join(topology.directory, "closed-"));
    const socket = join(directory, `${name}.sock`);
    const output = join(topology.directory, "output");
    const script = 'out=$1; shift; exec "$@" >"$out" 2>&1';
    const command = [...subject.command, "-f", "--socket-dir", directory, name];
    const child = namespace.start(["sh", "-c", script, "sh", output, ...command], { env: { LOG_LEVEL: "error" } });
    try {
      expect(await waitFor(() => existsSync(socket), 15_000)).toBe(true);
      process.kill(child.pid!, "SIGTERM");
      expect(await ended(child, END_MS)).toBe(true);
      expect([child.exitCode, existsSync(socket)]).toEqual([0, false]);
      expect(readFileSync(output, "utf8")).not.toContain("socket");
    } finally {
      killGroup(child);
    }
  });

  test.for([
    { level: "verbose", says: /\S/ },
    { level: "silent", says: /^$/ },
  ])("LOG_LEVEL=$level decides what the daemon writes", async ({ level, says }, ctx) => {
    const { daemon, namespace, topology } = await openDaemon(ctx, subject, { LOG_LEVEL: level });
    // What was written before the daemon was on its own, as wireguard-go's banner, does not count.
    const before = readFileSync(daemon.logPath, "utf8").length;
    await daemon.wg("set", daemon.interface, "private-key", topology.file("key", makeKeyPair().privateKey));
    await namespace.ip("link", "set", daemon.interface, "up");
    daemon.signal("SIGTERM");
    expect(await daemon.ends(END_MS)).toBe(true);
    expect(readFileSync(daemon.logPath, "utf8").slice(before)).toMatch(says);
  });

  test("a socket that somebody else listens on is refused and stays", async (ctx) => {
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("place");
    const name = topology.interfaceName();
    const path = `/run/wireguard/${name}.sock`;
    const server = createServer((connection) => connection.end());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      expectRefusal(
        await namespace.attempt([...subject.command, name], { env: { LOG_LEVEL: "error" } }),
        /in use|exists|another process/i,
      );
      expect(existsSync(path)).toBe(true);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("a plain file in the socket's place is replaced, or refused and left alone", async (ctx) => {
    const topology = openTopology(ctx, subject);
    const namespace = await topology.namespace("file");
    const name = topology.interfaceName();
    const path = `/run/wireguard/${name}.sock`;
    writeFileSync(path, "something of value");
    const result = await namespace.attempt([...subject.command, name], { env: { LOG_LEVEL: "error" } });
    if (result.code === 0) expect(await run(["wg", "show", name])).toContain("interface");
    else {
      expectRefusal(result, new RegExp(name));
      expect(readFileSync(path, "utf8")).toBe("something of value");
    }
  });
});
