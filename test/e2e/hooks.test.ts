/**
 * Nothing that environment, flags, files or signals ask of a runtime reaches into a process of ours that holds keys: not the
 * daemon, with and without confinement, and not the commands. In every runtime.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { findRuntime, type RuntimeName } from "../support/runtimes.ts";
import { ended, killGroup, sleep, waitFor } from "./support/exec.ts";
import { type Implementation, wasmguard } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { openDaemon, openTopology } from "./support/tunnel.ts";

const NODES: readonly RuntimeName[] = ["node26", "node24", "node22", "node20"];
const RUNTIMES: readonly RuntimeName[] = [...NODES, "deno", "bun"];
const DENO_FLAGS = ["run", "--quiet", "--allow-all"];
const KEY = /^[A-Za-z0-9+/]{43}=\n$/;

function implementationOn(ctx: TestContext, name: RuntimeName, ...flags: string[]): Implementation {
  const runtime = findRuntime(name);
  if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
  return wasmguard(`wasmguard on ${name}`, [runtime.path, ...(name === "deno" ? DENO_FLAGS : []), ...flags]);
}

/** TCP ports on which anybody listens in the namespace: a debugger's, for there is nobody else. */
async function listeners(namespace: Namespace): Promise<string> {
  return (await namespace.run(["ss", "-ltnH"])).trim();
}

/** Code that tells that it ran, as a module of either kind. */
function evil(directory: string): { script: string; ran: () => boolean } {
  const mark = join(directory, "ran");
  const script = join(directory, "evil.cjs");
  writeFileSync(
    script,
    `require("node:fs").appendFileSync(${JSON.stringify(mark)}, process.argv.join(" ") + "\\n");\n`,
  );
  return { script, ran: () => existsSync(mark) && /wasmguard\.js .*wg|genkey/.test(readFileSync(mark, "utf8")) };
}

/** What a start is tainted with, and the ways in which that shows. */
function variables(directory: string, script: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--inspect=127.0.0.1:9401 --require=${script} --report-on-signal --heapsnapshot-signal=SIGUSR2 --perf-basic-prof`,
    NODE_V8_COVERAGE: `${directory}/out`,
    NODE_COMPILE_CACHE: `${directory}/out`,
    NODE_REPL_EXTERNAL_MODULE: script,
    NODE_DEBUG: "module,net,fs",
    NODE_PATH: directory,
    NODE_EXTRA_CA_CERTS: `${directory}/no-such-file`,
    BUN_INSPECT: "127.0.0.1:9402",
    BUN_OPTIONS: `--preload=${script} --inspect=127.0.0.1:9403`,
    BUN_JSC_dumpOptions: "1",
    DENO_V8_FLAGS: "--prof",
    DENO_COVERAGE_DIR: `${directory}/out`,
    LD_LIBRARY_PATH: directory,
    LD_DEBUG_OUTPUT: `${directory}/out/ld`,
    UV_USE_IO_URING: "1",
    SSLKEYLOGFILE: `${directory}/out/keys`,
  };
}

/** All of a process's environment; of one that has ended, nothing. */
function environmentOf(pid: number): string[] {
  return readProc(pid, "environ")
    .split("\0")
    .filter(Boolean)
    .map((text) => text.split("=")[0]!);
}

describe.each(RUNTIMES)("%s", (name) => {
  test("the daemon starts without what its caller's environment asks of the runtime", async (ctx) => {
    const topology = openTopology(ctx, implementationOn(ctx, name));
    mkdirSync(join(topology.directory, "out"));
    const { script } = evil(topology.directory);
    const { daemon, namespace } = await openDaemon(ctx, implementationOn(ctx, name), {
      ...variables(topology.directory, script),
      WASMGUARD_ANYTHING: "1",
    });
    const [pid = 0] = daemon.pids();
    const allowed = /^(PATH|TZ|LOG_LEVEL|WG_\w+|WASMGUARD_\w+)$/;
    const forDeno = /^(HOME|DENO_DIR|XDG_CACHE_HOME)$/;
    expect(
      environmentOf(pid).filter((each) => !allowed.test(each) && !(name === "deno" && forDeno.test(each))),
    ).toEqual([]);
    expect(readFileSync(`/proc/${pid}/maps`, "latin1")).not.toContain(topology.directory);
    expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).not.toMatch(/inspect|preload|require|prof/);
    expect(await listeners(namespace)).toBe("");
    daemon.signal("SIGTERM");
    expect(await daemon.ends(15_000)).toBe(true);
    // Coverage, profiles and reports are written at the end. (The process that started it may have left some: it held no key.)
    const left = readdirSync(join(topology.directory, "out"), { recursive: true }).filter((file) =>
      new RegExp(`[.-]${pid}[.-]`).test(String(file)),
    );
    expect(left).toEqual([]);
  });

  test.for([
    { how: "confined", option: "--nice=0" },
    { how: "with --no-confine", option: "--no-confine" },
  ])("$how, SIGUSR1 opens nothing and does not end it", async ({ option }, ctx) => {
    const plain = implementationOn(ctx, name);
    const { daemon, namespace } = await openDaemon(ctx, { ...plain, command: [...plain.command, option] });
    for (let i = 0; i < 3; i++) daemon.signal("SIGUSR1");
    await sleep(500);
    expect(await listeners(namespace)).toBe("");
    // Without a filter, Bun and Deno have no use for the signal, and end as any program does.
    if (option !== "--no-confine" || NODES.includes(name)) {
      expect(await daemon.wg("show", daemon.interface)).toContain("interface");
    }
  });

  test("files in the working directory are not obeyed", async (ctx) => {
    const topology = openTopology(ctx, implementationOn(ctx, name));
    const namespace = await topology.namespace("files");
    const { script, ran } = evil(topology.directory);
    const folder = join(topology.directory, "cwd");
    mkdirSync(folder);
    writeFileSync(join(folder, "bunfig.toml"), `preload = [${JSON.stringify(script)}]\n`);
    writeFileSync(join(folder, ".env"), `BUN_INSPECT=127.0.0.1:9404\nLOG_LEVEL=verbose\nWG_TUN_FD=77\n`);
    writeFileSync(join(folder, "deno.json"), `{ "imports": { "ipaddr.js": ${JSON.stringify(script)} } }\n`);
    writeFileSync(join(folder, "package.json"), `{ "main": ${JSON.stringify(script)} }\n`);
    const child = namespace.start([...implementationOn(ctx, name).command, "-f", "wghooks"], { cwd: folder });
    onTestFinished(() => killGroup(child));
    expect(await waitFor(() => existsSync("/run/wireguard/wghooks.sock"), 10_000)).toBe(true);
    expect(await listeners(namespace)).toBe("");
    process.kill(child.pid!, "SIGTERM");
    expect(await ended(child, 5000)).toBe(true);
    // Bun obeyed when it was started; the process that holds keys is another, whose arguments come first in what it tells.
    const told = ran() ? readFileSync(join(topology.directory, "ran"), "utf8").trim().split("\n") : [];
    expect(told.length).toBeLessThanOrEqual(name === "bun" ? 1 : 0);
  });

  test("it is at home where PATH has no other runtime, or is not set at all", async (ctx) => {
    const [command = "", ...words] = [...implementationOn(ctx, name).command, "genkey"];
    for (const PATH of ["/nonexistent", undefined]) {
      const env = { HOME: process.env.HOME, ...(PATH !== undefined && { PATH }) };
      expect(spawnSync(command, words, { env, encoding: "utf8", timeout: 30_000 }).stdout).toMatch(KEY);
    }
  });

  test("a command that makes keys starts again without", async (ctx) => {
    const topology = openTopology(ctx, implementationOn(ctx, name));
    const namespace = await topology.namespace("keys");
    mkdirSync(join(topology.directory, "out"));
    const { script } = evil(topology.directory);
    const env = variables(topology.directory, script);
    const made = await namespace.attempt([...implementationOn(ctx, name).command, "genkey"], { env, cwd: "/" });
    expect(made.stdout, made.stderr).toMatch(KEY);
    // pubkey waits for its key: time to look at it.
    const child = namespace.start(
      ["sh", "-c", `sleep 40 | "$@"`, "sh", ...implementationOn(ctx, name).command, "pubkey"],
      {
        env,
        cwd: "/",
      },
    );
    onTestFinished(() => killGroup(child));
    const found = (): number[] => namespace.pids().filter((pid) => /wasmguard\.js\0pubkey/.test(commandLine(pid)));
    const clean = (pid: number): boolean => {
      const names = environmentOf(pid);
      return names.length > 0 && names.every((each) => !Object.hasOwn(env, each) || each === "NODE_EXTRA_CA_CERTS");
    };
    expect(await waitFor(() => found().some(clean), 30_000)).toBe(true);
    expect(await listeners(namespace)).toBe("");
  });
});

function readProc(pid: number, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

const commandLine = (pid: number): string => readProc(pid, "cmdline");

describe.each(NODES)("%s, while it waits for a key", (name) => {
  test("SIGUSR1 opens no debugger in a command", async (ctx) => {
    const topology = openTopology(ctx, implementationOn(ctx, name));
    const namespace = await topology.namespace("usr1");
    const child = namespace.start([
      "sh",
      "-c",
      `sleep 40 | "$@"`,
      "sh",
      ...implementationOn(ctx, name).command,
      "pubkey",
    ]);
    onTestFinished(() => killGroup(child));
    const found = (): number[] => namespace.pids().filter((pid) => /wasmguard\.js\0pubkey/.test(commandLine(pid)));
    // Its handler is there: the signal is caught by a process whose inspector's thread would have taken it.
    expect(await waitFor(() => found().length > 0, 15_000)).toBe(true);
    await sleep(1000);
    for (const pid of found()) process.kill(pid, "SIGUSR1");
    await sleep(500);
    expect(await listeners(namespace)).toBe("");
  });

  test("flags that open a debugger are not passed on", async (ctx) => {
    const { daemon, namespace } = await openDaemon(ctx, implementationOn(ctx, name, "--inspect=127.0.0.1:9405"));
    expect(await listeners(namespace)).toBe("");
    expect(await daemon.wg("show", daemon.interface)).toContain("interface");
  });
});
