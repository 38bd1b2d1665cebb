/** A daemon, and `up`, as services: whoever manages them hears by sd_notify(3) when there is a tunnel, and which process it is. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, type TestContext, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import type { Namespace, Topology } from "./support/topology.ts";
import { openTopology } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

const MANAGER = fileURLToPath(new URL("support/service-manager.py", import.meta.url));
const NOBODY = "65534";
const WITHOUT_KILL = ["setpriv", "--bounding-set=-kill"];

interface Told {
  readonly lines: readonly string[];
  readonly pid: number;
  readonly seccomp: string | null;
  readonly user: string | null;
  readonly answer?: string;
  readonly addresses?: readonly string[];
}

interface Service {
  readonly topology: Topology;
  readonly namespace: Namespace;
  readonly name: string;
  readonly env: Record<string, string>;
  /** The next message. */
  hears(): Promise<Told>;
}

async function openService(ctx: TestContext, where: "path" | "abstract"): Promise<Service> {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go tells no service manager");
  requireLab(ctx, "python3", "setpriv");
  const topology = openTopology(ctx, wasmguardOnNode);
  const namespace = await topology.namespace("service");
  const name = topology.interfaceName();
  const address = where === "path" ? `${topology.directory}/notify` : `@${topology.directory}`;
  const manager = namespace.start(["python3", MANAGER, address, `/run/wireguard/${name}.sock`, name]);
  const lines = createInterface({ input: manager.stdout! })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? '"it ended"');
  expect(await next()).toBe("listening");
  return { topology, namespace, name, env: { NOTIFY_SOCKET: address, LOG_LEVEL: "error" }, hears: next };
}

const variablesOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/environ`, "latin1")
    .split("\0")
    .map((text) => text.split("=")[0]!);

for (const where of ["path", "abstract"] as const) {
  test(`in the foreground it says that it is ready when it is, and that it ends (${where})`, async (ctx) => {
    const { namespace, name, env, hears } = await openService(ctx, where);
    const child = namespace.start([...wasmguardOnNode.command, "-f", name], { env });
    const ready = await hears();
    const confined = { seccomp: "2", user: NOBODY };
    expect(ready).toEqual({ lines: ["READY=1"], pid: child.pid, ...confined, answer: "errno=0", addresses: [] });
    expect(variablesOf(ready.pid)).not.toContain("NOTIFY_SOCKET");
    child.kill("SIGTERM");
    expect(await hears()).toMatchObject({ lines: ["STOPPING=1"], pid: child.pid });
    expect(await waitFor(() => child.exitCode === 0, 15_000)).toBe(true);
  });
}

test("in the background it says that it is the service", async (ctx) => {
  const { namespace, name, env, hears } = await openService(ctx, "abstract");
  await namespace.run([...wasmguardOnNode.command, name], { env });
  const { lines, pid, answer } = await hears();
  expect(lines).toEqual([`MAINPID=${pid}`, "READY=1"]);
  expect(answer).toBe("errno=0");
  await namespace.run(["ip", "link", "delete", name]);
  expect((await hears()).lines).toEqual(["STOPPING=1"]);
});

test("where a shell stands between the two, because nobody may signal the daemon, the daemon says that it is ready", async (ctx) => {
  const { namespace, name, env, hears } = await openService(ctx, "abstract");
  const child = namespace.start([...WITHOUT_KILL, ...wasmguardOnNode.command, "-f", name], { env });
  const { lines, pid, answer } = await hears();
  expect(lines).toEqual(["READY=1"]);
  expect(pid).not.toBe(child.pid);
  expect(answer).toBe("errno=0");
  child.kill("SIGTERM");
  expect((await hears()).lines).toEqual(["STOPPING=1"]);
  expect(await waitFor(() => child.exitCode === 0, 15_000)).toBe(true);
});

test.for([
  ["as root", []],
  ["by one who may not signal it", WITHOUT_KILL],
] as const)(
  "`up` says so of its daemon when all steps are taken, %s, and no hook is told where",
  async ([, through], ctx) => {
    const { topology, namespace, name, env, hears } = await openService(ctx, "path");
    const { privateKey } = makeKeyPair();
    const hook = `PostUp = echo "hook: $NOTIFY_SOCKET."`;
    const file = topology.file(
      `${name}.conf`,
      `[Interface]\nPrivateKey = ${privateKey}\nAddress = 10.9.9.1/24\n${hook}\n`,
    );
    const { stdout, stderr } = await namespace.attempt([...through, ...wasmguardOnNode.command, "up", file], { env });
    expect(stdout, stderr).toContain("hook: .\n");
    expect(stderr).not.toContain("was not told");
    const { lines, pid, answer, addresses } = await hears();
    const [main = "", ...others] = lines;
    expect(others).toEqual(["READY=1"]);
    const daemon = Number(main.replace("MAINPID=", ""));
    expect(daemon).not.toBe(pid);
    expect(readFileSync(`/proc/${daemon}/status`, "latin1")).toMatch(/^Seccomp:\t2$/m);
    expect(answer).toBe("errno=0");
    expect(addresses).toContain("10.9.9.1/24");
    const down = await namespace.attempt([...wasmguardOnNode.command, "down", file]);
    expect(down.code).toBe(0);
  },
);

test("of another implementation whose listener ended before its daemon began nobody is named", async (ctx) => {
  requireLab(ctx, "wireguard-go");
  const { topology, namespace, name, env } = await openService(ctx, "path");
  const file = topology.file(`${name}.conf`, `[Interface]\nPrivateKey = ${makeKeyPair().privateKey}\n`);
  const other = { ...env, WG_QUICK_USERSPACE_IMPLEMENTATION: "wireguard-go" };
  const { code, stderr } = await namespace.attempt([...wasmguardOnNode.command, "up", file], { env: other });
  expect(stderr).toMatch(/^wasmguard: the service manager was not told: getsockopt \S+: (ESRCH|EINVAL|ENOPROTOOPT)$/m);
  expect(code).toBe(0);
  await namespace.run(["ip", "link", "delete", name]);
});

test("a manager that is not there is told of, and keeps nothing from starting", async (ctx) => {
  const { topology, namespace, name } = await openService(ctx, "path");
  const env = { NOTIFY_SOCKET: `${topology.directory}/nobody`, LOG_LEVEL: "error" };
  const { code, stderr } = await namespace.attempt([...wasmguardOnNode.command, name], { env });
  expect(stderr).toMatch(/^wasmguard: the service manager will not be told: connect \S+nobody: ENOENT$/m);
  expect(code).toBe(0);
  await namespace.run(["ip", "link", "delete", name]);
});
