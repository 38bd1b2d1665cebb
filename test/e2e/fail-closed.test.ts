/**
 * Where the system refuses a step of confinement, the daemon does not start, in the background and in the foreground: one line
 * names the step and the option that allows it to fail. With that option it starts.
 */
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, type TestContext, test } from "vitest";
import { Daemon } from "./support/daemon.ts";
import { wasmguardOnNode } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { openTopology } from "./support/tunnel.ts";

const REFUSE = [process.execPath, fileURLToPath(new URL("./support/refuse-calls.ts", import.meta.url))];
const unprivileged = (...options: string[]): string[] => ["setpriv", ...options];

interface Place {
  readonly what: string;
  /** What the command is started through. */
  readonly through: readonly string[];
  readonly steps: string;
  readonly says: RegExp;
}

const PLACES: readonly Place[] = [
  {
    what: "a container without CAP_SETUID and CAP_SETGID",
    through: unprivileged("--bounding-set=-setuid,-setgid"),
    steps: "user,capabilities",
    says: /user \(nobody: setgroups: EPERM\) and capabilities \(thread \d+ keeps \d+ of them\)/,
  },
  {
    what: "a container whose filter refuses seccomp",
    through: [...REFUSE, "seccomp"],
    steps: "seccomp",
    says: /seccomp \(EPERM\)/,
  },
  {
    what: "a kernel without Landlock",
    through: [...REFUSE, "landlock_create_ruleset"],
    steps: "landlock",
    says: /landlock \(EPERM\)/,
  },
  {
    what: "a kernel where Landlock cannot be entered",
    through: [...REFUSE, "landlock_restrict_self"],
    steps: "landlock",
    says: /landlock \(EPERM\)/,
  },
  {
    what: "a container that refuses seccomp and Landlock",
    through: [...REFUSE, "seccomp,landlock_create_ruleset"],
    steps: "landlock,seccomp",
    says: /landlock \(EPERM\) and seccomp \(EPERM\)/,
  },
  {
    what: "a system where capabilities cannot be given up",
    through: [...REFUSE, "capset"],
    steps: "capabilities",
    says: /capabilities \(EPERM\)/,
  },
];

async function open(ctx: TestContext) {
  requireLab(ctx, "setpriv");
  const topology = openTopology(ctx, wasmguardOnNode);
  return { topology, namespace: await topology.namespace("refused"), name: topology.interfaceName() };
}

describe.each(PLACES)("in $what", ({ through, steps, says }) => {
  test.for([[], ["-f"]])("%j: it does not start, and one line says why", async (options, ctx) => {
    const { namespace, name } = await open(ctx);
    const command = [...through, ...wasmguardOnNode.command, ...options, name];
    const result = await namespace.attempt(command, { env: { LOG_LEVEL: undefined } });
    expect(result.code).toBe(1);
    const lines = result.stderr
      .trim()
      .split("\n")
      .filter((line) => !line.includes("running as nobody"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(says);
    expect(lines[0]).toContain(`--allow-unconfined=${steps}`);
    expect(existsSync(`/run/wireguard/${name}.sock`)).toBe(false);
    expect(namespace.pids()).toEqual([]);
  });

  test("it starts with --allow-unconfined, and says what is missing", async (ctx) => {
    const { topology, namespace, name } = await open(ctx);
    const command = [...through, ...wasmguardOnNode.command, `--allow-unconfined=${steps}`];
    const daemon = await Daemon.start(topology, namespace, { ...wasmguardOnNode, command }, name);
    expect(await daemon.wg("show", name)).toContain("interface");
    for (const step of steps.split(","))
      expect(daemon.log()).toMatch(new RegExp(`not confined by ${step} .*as allowed`));
  });
});

test("--user=root is refused: its threads would keep their capabilities", async (ctx) => {
  const { namespace, name } = await open(ctx);
  const result = await namespace.attempt([...wasmguardOnNode.command, "--user=root", name]);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/capabilities \(thread \d+ keeps/);
});

test("a system whose processes can be looked into after a change of user is refused", async (ctx) => {
  const { namespace, name } = await open(ctx);
  const setting = "/proc/sys/fs/suid_dumpable";
  try {
    writeFileSync(setting, "1");
  } catch {
    cannotRun(ctx, `${setting} cannot be written here`);
  }
  try {
    const result = await namespace.attempt([...wasmguardOnNode.command, name]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/memory \(fs\.suid_dumpable is 1/);
  } finally {
    writeFileSync(setting, "0");
  }
});

test("a daemon that is started past the sandbox is refused", async (ctx) => {
  const { namespace, name } = await open(ctx);
  const env = { WASMGUARD_DAEMON: "foreground" };
  const result = await namespace.attempt([...wasmguardOnNode.command, name], { env });
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/seccomp \(the runtime was not started under its filter\)/);
});

test("a step that does not exist is a wrong command line", async (ctx) => {
  const { namespace, name } = await open(ctx);
  const result = await namespace.attempt([...wasmguardOnNode.command, "--allow-unconfined=all", name]);
  expect(result.code).toBe(2);
  expect(result.stderr).toMatch(/knows no step "all"/);
});
