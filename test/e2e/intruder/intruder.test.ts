/**
 * An intruder runs code in the daemon, in each of its threads, in each runtime: all system calls, all kinds of sockets, all
 * options, the open descriptors, signals to others, changes of the network. What is allowed stands in docs/security.md;
 * anything else that is allowed, or refused, fails. WASMGUARD_WRITE_DOCS=1 brings the document up to date.
 */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, type TestContext, test } from "vitest";
import type { SystemCallName } from "../../../host/ffi/system-calls.ts";
import { findRuntime, type RuntimeName } from "../../support/runtimes.ts";
import { killGroup, start } from "../support/exec.ts";
import { wasmguard } from "../support/implementations.ts";
import { cannotRun, requireLab } from "../support/requirements.ts";
import { openDaemon } from "../support/tunnel.ts";
import type { Report } from "./run.ts";
import { documentedTables, renderTables, writeTables } from "./table.ts";

const PROGRAM = fileURLToPath(new URL("./run.ts", import.meta.url));
const LIMIT_MS = 120_000;
const SIGSYS = 31;
const NOBODY = 65534;

const RUNTIMES: { name: RuntimeName; title: string; args: readonly string[] }[] = [
  { name: "node26", title: "Node 26", args: [] },
  { name: "node22", title: "Node 22", args: [] },
  { name: "deno", title: "Deno", args: ["run", "--quiet", "--allow-all"] },
  { name: "bun", title: "Bun", args: [] },
];

const reports = new Map<string, Report>();

/** A daemon with two threads for packets, its link up; and another process of its user. */
async function openTarget(ctx: TestContext, { name, args }: (typeof RUNTIMES)[number]) {
  requireLab(ctx, "setpriv");
  if (process.arch !== "x64") cannotRun(ctx, "written for x86_64");
  const runtime = findRuntime(name);
  if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
  const implementation = wasmguard(`wasmguard on ${name}`, [runtime.path, ...args]);
  const { daemon, namespace } = await openDaemon(ctx, {
    ...implementation,
    command: [...implementation.command, "--threads=2"],
  });
  await namespace.ip("link", "set", daemon.interface, "up");
  const victim: ChildProcess = start(["sleep", "600"], { uid: NOBODY });
  onTestFinished(() => killGroup(victim));
  return {
    daemon,
    pid: daemon.pids()[0]!,
    run: async (...calls: SystemCallName[]) => {
      const argv = [process.execPath, PROGRAM, `${daemon.pids()[0]}`, `${victim.pid}`, ...calls];
      return JSON.parse(await namespace.run(argv, { timeoutMs: LIMIT_MS }));
    },
  };
}

describe.each(RUNTIMES)("an intruder in $title", (runtime) => {
  test("is allowed the same in every thread but the first", { timeout: LIMIT_MS }, async (ctx) => {
    const { daemon, run } = await openTarget(ctx, runtime);
    const report: Report = await run();
    const others = report.threads.filter(({ main }) => !main);
    expect(others.length).toBeGreaterThan(0);
    for (const { name, outcomes } of others) expect([name, outcomes]).toEqual([name, others[0]!.outcomes]);
    // It was not noticed, and has not broken anything.
    expect(await daemon.wg("show", daemon.interface)).toContain("listening port");
    reports.set(runtime.title, report);
  });

  test("ends the daemon when it starts a program", async (ctx) => {
    const { run } = await openTarget(ctx, runtime);
    expect(await run("execve")).toEqual([SIGSYS]);
  });
});

test.for(["ptrace", "process_vm_readv", "setns", "unshare", "mount", "bpf", "keyctl", "init_module"] as const)(
  "%s ends the daemon",
  async (call, ctx) => {
    const { run } = await openTarget(ctx, RUNTIMES[0]!);
    expect(await run(call)).toEqual([SIGSYS]);
  },
);

test("what is allowed is what docs/security.md says", (ctx) => {
  if (reports.size < RUNTIMES.length) cannotRun(ctx, "not all runtimes could be tried");
  const tables = renderTables(reports);
  if (process.env.WASMGUARD_WRITE_DOCS === "1") writeTables(tables);
  expect(tables).toBe(documentedTables());
});
