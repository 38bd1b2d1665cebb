/**
 * Programs that use the library as users do, from a directory with the package in its node_modules, in every runtime that
 * is here: the example of the README, and checks of the rest. The package is compiled anew into that directory.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRuntime, NEWEST_NODES, RUNTIMES, type RuntimeName } from "../support/runtimes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 20_000;
/** What takes seconds where nobody else is. */
const LONG_MS = 240_000;
const EVERY_RUNTIME = [...RUNTIMES, ...NEWEST_NODES];

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "wasmguard-library-"));
  const installed = join(project, "node_modules/wasmguard");
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  cpSync(join(ROOT, "node_modules/ipaddr.js"), join(project, "node_modules/ipaddr.js"), { recursive: true });
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  spawnSync(compiler, ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(installed, "dist")]);
  if (!existsSync(join(installed, "dist/host/index.js"))) throw new Error("the library cannot be compiled");
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const dependencies = Object.keys(packages[""].dependencies);
  for (const name of dependencies) {
    dependencies.push(...Object.keys(packages[`node_modules/${name}`].dependencies ?? {}));
    cpSync(join(ROOT, "node_modules", name), join(project, "node_modules", name), { recursive: true });
  }
  for (const program of [
    ...["example.mjs", "strict-random.mjs", "checks.mjs"],
    ...["drivers.mjs", "alike.mjs", "leaks.mjs"],
  ])
    cpSync(join(ROOT, "test/library", program), join(project, program));
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies: { wasmguard: "*" } }),
  );
}, 120_000);

/** The same with koffi, the FFI of Node before 26. */
const withKoffi = () => `${project}-koffi`;

beforeAll(() => {
  cpSync(project, withKoffi(), { recursive: true });
  cpSync(join(ROOT, "node_modules/@koromix"), join(withKoffi(), "node_modules/@koromix"), { recursive: true });
}, 60_000);

afterAll(() => rmSync(withKoffi(), { recursive: true, force: true }));
afterAll(() => rmSync(project, { recursive: true, force: true }));

function commandLine(name: RuntimeName, program: string): string[] {
  if (name !== "deno") return [program, "descriptor"];
  // What an embedded tunnel needs in Deno: network and interface names, nothing else.
  return ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-net", "--allow-sys", program];
}

/** IPv4 from 10.0.0.2 to 10.0.0.1, 43 bytes, protocol 253. */
const PACKET = Buffer.from(`4500002b0000000040fd${"0000"}0a0000020a000001${"00".repeat(23)}`, "hex");
PACKET.writeUInt16BE(0x65d4, 10);

/** Run a program whose descriptor 3 is the far end of a socket. @returns what it wrote */
function run(
  path: string,
  args: string[],
  answered: (socket: Duplex) => void,
  cwd = project,
  timeout = RUN_MS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { cwd, timeout, stdio: ["ignore", "pipe", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (text.includes("descriptor ready")) answered(socket);
      });
    }
    const socket = child.stdio[3] as Duplex;
    socket.on("error", () => {}); // the program may have ended first
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`ended with ${code ?? signal}: ${output}`));
    });
  });
}

/** Where FFI is part of the runtime. */
const hasFfi = (name: RuntimeName) => name === "bun" || name === "deno" || name.startsWith("node26");

/** What drivers.mjs writes. */
function talks(which: "ffi" | "portable"): string[] {
  const pairs = [`${which} to portable at 127.0.0.1`];
  for (const loopback of ["127.0.0.1", "::1"]) {
    pairs.push(`${which} to portable at ${loopback}`, `portable to ${which} at ${loopback}`);
  }
  const lines = pairs.map((line) => `${line}: there, and back, moved, found`);
  return [...lines, "descriptors left 0", ...(which === "portable" ? ["ffi FFI_UNAVAILABLE: true"] : [])];
}

describe("in every runtime", () => {
  it.for(EVERY_RUNTIME)("the driver is chosen: %s", { timeout: RUN_MS * 2 }, async (name, context) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) return context.skip(runtime.reason);
    const which = hasFfi(name) ? "ffi" : "portable";
    const allowed = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-all", "drivers.mjs", "ffi"];
    const args = name === "deno" ? allowed : ["drivers.mjs", which];
    const output = await run(runtime.path, args, () => {});
    expect(output.trim().split("\n")).toEqual(talks(which));
  });

  it.for(["node20", "node22", "node24"] as const)(
    "koffi is FFI: %s",
    { timeout: RUN_MS * 2 },
    async (name, context) => {
      const runtime = findRuntime(name);
      if (runtime.path === undefined) return context.skip(runtime.reason);
      const output = await run(runtime.path, ["drivers.mjs", "ffi"], () => {}, withKoffi());
      expect(output.trim().split("\n")).toEqual(talks("ffi"));
    },
  );

  it.for(RUNTIMES.flatMap((name) => ["portable", "ffi"].map((driver) => [name, driver] as const)))(
    "what is refused, lost or closed looks the same: %s, %s",
    { timeout: RUN_MS * 2 },
    async ([name, driver], context) => {
      const runtime = findRuntime(name);
      if (runtime.path === undefined) return context.skip(runtime.reason);
      const allowed = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-all"];
      const args = [...(name === "deno" ? allowed : []), "alike.mjs", driver];
      // Few descriptors are soon taken.
      const limited = ["-c", 'ulimit -n 256; exec "$@"', "sh", runtime.path, ...args];
      const output = await run("sh", limited, () => {}, hasFfi(name) ? project : withKoffi());
      const lines = output.split("\n").map((line) => line.trim());
      expect(lines.filter((line) => line !== "")).toEqual([
        "refused true 0n",
        "large true",
        "forbidden 1n",
        "exhausted BIND true",
        "ports PORT_IN_USE PORT_IN_USE none",
        "unref 7",
      ]);
    },
  );

  it("Deno without --allow-ffi is not asked for it, and goes on without", { timeout: RUN_MS * 2 }, async (context) => {
    const runtime = findRuntime("deno");
    if (runtime.path === undefined) return context.skip(runtime.reason);
    const args = [
      "run",
      "--quiet",
      "--node-modules-dir=manual",
      "--allow-net",
      "--allow-sys",
      "drivers.mjs",
      "portable",
    ];
    const output = await run(runtime.path, args, () => {});
    expect(output).not.toMatch(/ffi to/);
    expect(output).toMatch(/^portable to portable at ::1: there, and back, moved, found$/m);
    expect(output).toMatch(/^ffi FFI_UNAVAILABLE: true$/m);
  });

  const EXAMPLE = [
    "handshake",
    "Bob got: hello, Bob",
    "Alice got: hello, Alice",
    "Alice received 156 bytes and sent 212",
  ];

  it.for(EVERY_RUNTIME)("the example of the README runs: %s", { timeout: RUN_MS * 2 }, async (name, context) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) return context.skip(runtime.reason);
    const output = await run(runtime.path, commandLine(name, "example.mjs"), () => {});
    expect(output.trim().split("\n")).toEqual(EXAMPLE);
  });

  it.for(EVERY_RUNTIME)(
    "it asks for no random bytes in shared memory: %s",
    { timeout: RUN_MS * 2 },
    async (name, context) => {
      const runtime = findRuntime(name);
      if (runtime.path === undefined) return context.skip(runtime.reason);
      const output = await run(runtime.path, commandLine(name, "strict-random.mjs"), () => {});
      expect(output.trim().split("\n")).toEqual(EXAMPLE);
    },
  );

  it.for(EVERY_RUNTIME)(
    "errors, ports, streams and descriptors work: %s",
    { timeout: RUN_MS * 2 },
    async (name, context) => {
      const runtime = findRuntime(name);
      if (runtime.path === undefined) return context.skip(runtime.reason);
      let answer: Buffer | undefined;
      const output = await run(runtime.path, commandLine(name, "checks.mjs"), (socket) => {
        socket.once("data", (bytes: Buffer) => {
          answer = bytes;
          socket.destroy();
        });
        socket.write(PACKET);
      });
      const lines = ["keys true 44", "errors PORT_IN_USE BIND CLOSED none", "moved true", "stream 41 42"];
      if (name !== "deno") lines.push("descriptor ready", "descriptor 43");
      expect(output.trim().split("\n")).toEqual(lines);
      if (name !== "deno") expect(answer?.subarray(12, 20).toString("hex")).toBe("0a0000010a000002");
    },
  );

  const garbageCollector = (name: RuntimeName): string[] => {
    if (name === "bun") return [];
    return name === "deno" ? ["--v8-flags=--expose-gc"] : ["--expose-gc"];
  };

  /** @param part of leaks.mjs */
  async function grown(name: RuntimeName, path: string, part: "cycles" | "day"): Promise<Record<string, unknown>> {
    const deno = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-all"];
    const args = [...(name === "deno" ? deno : []), ...garbageCollector(name), "leaks.mjs", part];
    return JSON.parse(await run(path, args, () => {}, project, LONG_MS));
  }

  /** Deno opens a pair of sockets for itself, sooner or later. What a device leaves would count by the hundred. */
  const ownDescriptors = (name: RuntimeName): number => (name === "deno" ? 2 : 0);

  it.for(RUNTIMES)(
    "a thousand devices, made and closed, leave nothing behind: %s",
    { timeout: LONG_MS },
    async (name, context) => {
      const runtime = findRuntime(name);
      if (runtime.path === undefined) return context.skip(runtime.reason);
      const { descriptors, rss, heap } = await grown(name, runtime.path, "cycles");
      expect(descriptors).toBeLessThanOrEqual(ownDescriptors(name));
      // Megabytes. A device that stays takes more than 0.1 of them, and 800 are counted; allocators keep some, too.
      expect(heap).toBeLessThan(10);
      expect(rss).toBeLessThan(70);
    },
  );

  it.for(RUNTIMES)("a day of a tunnel leaves nothing behind: %s", { timeout: LONG_MS }, async (name, context) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) return context.skip(runtime.reason);
    const { descriptors, rss, heap, handshakes, heard } = await grown(name, runtime.path, "day");
    expect(descriptors).toBeLessThanOrEqual(ownDescriptors(name));
    expect(heap).toBeLessThan(3);
    expect(rss).toBeLessThan(20);
    // Every two minutes, and a packet each minute both ways.
    expect(handshakes).toBeGreaterThan(700);
    expect(Math.min(...(heard as number[]))).toBeGreaterThan(24 * 60 - 5);
  });
});
