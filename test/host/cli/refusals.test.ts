/** Where wasmguard cannot run: one line says why and what to do, and the exit code is not 0. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findRuntime } from "../../support/runtimes.ts";

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PROGRAM = local("../../../bin/wasmguard.js");

function refusal(argv: readonly string[], env: Record<string, string> = {}): string {
  const [program = "", ...args] = argv;
  const { LOG_LEVEL: _, ...clean } = process.env;
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...clean, ...env },
    timeout: 30_000,
  });
  expect(stdout).toBe("");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^wasmguard: [^\n]+\n$/);
  return stderr;
}

describe("systems without a daemon", () => {
  it.each([
    { where: ["sunos", "x64"], args: ["wg0"] },
    { where: ["freebsd", "x64"], args: ["-f", "wg0"] },
    { where: ["openbsd", "x64"], args: ["down", "wg0"] },
    { where: ["linux", "riscv64"], args: ["wg0"] },
    { where: ["linux", "arm"], args: ["wg0"] },
  ])("$where: $args", ({ where, args }) => {
    const line = refusal([process.execPath, local("elsewhere-entry.ts"), ...where, ...args]);
    expect(line).toContain(`no network devices for ${where.join(" ")}. Use Linux on x86_64 or arm64`);
  });
});

describe("macOS, where the daemon has never run", () => {
  const on = (...args: string[]): string =>
    refusal([process.execPath, local("elsewhere-entry.ts"), "darwin", "arm64", ...args]);

  it.each(["up", "down", "save"])("%s asks for root, and for macOS's own programs", (command) => {
    expect(on(command, "wg0")).toMatch(/must be run as root|there is no program `\w+'\. PATH should have \/sbin/);
  });

  it("services are Windows' business", () => {
    expect(on("service", "start", "wg0")).toMatch(/service is for Windows: .*daemon\.md: for systemd there is a unit/);
  });

  it("the daemon asks for macOS's own C library, and nothing of Linux's", () => {
    expect(on("-f", "utun")).toMatch(/cannot call system libraries/);
  });

  it("in the background, what it complains of comes back", () => {
    expect(on("utun")).toMatch(/the daemon for utun ended|cannot call system libraries/);
  });
});

describe("Windows, where the daemon is an experiment", () => {
  const on = (...args: string[]): string =>
    refusal([process.execPath, local("elsewhere-entry.ts"), "win32", "x64", ...args]);

  it.each(["up", "down", "save"])("%s asks for DLLs of the system", (command) => {
    expect(on(command, "--hooks", "skip", "wg0")).toMatch(/cannot call the DLLs of Windows/);
  });

  it("the daemon asks for DLLs of the system", () => {
    expect(on("wg0")).toMatch(/cannot call the DLLs of Windows\. On Windows start it with Node >= 26/);
  });
});

describe("runtimes", () => {
  it("a Node that is too old", () => {
    expect(refusal([process.execPath, "-r", local("old-node.cjs"), PROGRAM, "wg0"])).toMatch(/too old\. Use Node 20/);
  });

  it("no WebAssembly", () => {
    expect(refusal([process.execPath, "--jitless", PROGRAM, "wg0"])).toMatch(
      /no WebAssembly\. Start it without --jitless/,
    );
  });
});

describe("policies of the runtime", () => {
  it("Node's: no calls of the C library", () => {
    const line = refusal([process.execPath, "--permission", "--allow-fs-read=*", PROGRAM, "wg0"]);
    expect(line).toMatch(/cannot call system libraries\. .*--allow-ffi under --permission/);
  });

  it("Node's: not even its own files", () => {
    expect(refusal([process.execPath, "--permission", `--allow-fs-read=${PROGRAM}`, PROGRAM, "wg0"])).toMatch(
      /not allowed to start: .*--allow-fs-read/,
    );
  });

  it.for([
    { allowed: [], says: /not allowed to start: .*--allow-env/ },
    { allowed: ["--allow-env", "--allow-read"], says: /--allow-(?:all|sys|ffi)/ },
  ])("Deno's: with $allowed", ({ allowed, says }, ctx) => {
    const { path, reason } = findRuntime("deno");
    if (path === undefined) return ctx.skip(reason);
    expect(refusal([path, "run", "--quiet", "--no-prompt", ...allowed, PROGRAM, "wg0"])).toMatch(says);
  });
});
