/** Starting in the background, in every runtime that is here; and wrong command lines. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../host/cli/command-errors.ts";
import { startRequest } from "../../../host/cli/daemon-options.ts";
import { interfaceNameFault } from "../../../host/cli/interface-name.ts";
import { DAEMON_OPTIONS, parseOptions } from "../../../host/cli/option-table.ts";
import { stopDaemon } from "../../../host/cli/spawn-daemon.ts";
import { EPERM } from "../../../host/ffi/errno.ts";
import { findRuntime, runArguments } from "../../support/runtimes.ts";

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wasmguard-cli-start-"));
afterAll(() => rmSync(folder, { recursive: true }));

const RUNTIMES = (["node26", "bun", "deno"] as const).map((name) => {
  const { path, reason } = findRuntime(name);
  return [name, path && [path, ...runArguments(name, local("stub-entry.ts"))], reason ?? ""] as const;
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function wasmguard(
  runtime: string[],
  args: string[],
  env: Record<string, string> = {},
  inherited: number[] = [],
): Ended {
  const [program, ...before] = runtime;
  const { LOG_LEVEL: _, ...clean } = process.env;
  const done = spawnSync(program!, [...before, ...args], {
    env: { ...clean, WASMGUARD_STUB_FILE: join(folder, "pid"), ...env },
    stdio: ["ignore", "pipe", "pipe", ...inherited],
    encoding: "utf8",
    timeout: 25_000,
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** The background process wrote its number; end it. @returns whether it was still there */
async function endDaemon(): Promise<boolean> {
  const file = join(folder, "pid");
  // Long enough for its late write to reach the closed pipe.
  await new Promise((resolve) => setTimeout(resolve, 700));
  if (!existsSync(file)) return false;
  const pid = Number(readFileSync(file, "utf8"));
  rmSync(file);
  try {
    process.kill(pid, "SIGTERM");
    return true;
  } catch {
    return false;
  }
}

describe.for(RUNTIMES)("starting in the background with %s", ([, runtime, missing]) => {
  it("returns once the daemon is ready, which then lives on", async (context) => {
    if (!runtime) return context.skip(missing);
    // A caller that reads our output to its end must not wait for the daemon.
    expect(wasmguard(runtime, ["--no-confine", "wgclis0"], { WASMGUARD_STUB: "ready" })).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(await endDaemon()).toBe(true);
  });

  it("passes descriptors on", (context) => {
    if (!runtime) return context.skip(missing);
    const files = ["tun", "uapi"].map((text) => {
      writeFileSync(join(folder, text), text);
      return openSync(join(folder, text), "r");
    });
    const byEnvironment = { WASMGUARD_STUB: "descriptors", WG_TUN_FD: "4", WG_UAPI_FD: "3" };
    const { stderr } = wasmguard(runtime, ["--no-confine", "wgclis0"], byEnvironment, [files[1]!, files[0]!]);
    expect(stderr).toBe("wasmguard: tun uapi wgclis0\n");
  });

  it("tells why the daemon could not start", (context) => {
    if (!runtime) return context.skip(missing);
    const refused = wasmguard(runtime, ["--no-confine", "wgclis0"], { WASMGUARD_STUB: "refuse" });
    expect(refused).toEqual({
      code: 1,
      stdout: "",
      stderr: "wasmguard: cannot open TUN device wgclis0. Run it as root\n",
    });
    const crashed = wasmguard(runtime, ["--no-confine", "wgclis0"], { WASMGUARD_STUB: "crash" });
    expect(crashed.code).toBe(1);
    expect(crashed.stderr).toMatch(
      /^wasmguard: the daemon for wgclis0 ended \(SIGKILL\) before it was ready\. .*-f wgclis0\n$/,
    );
    expect(wasmguard(runtime, ["--no-confine", "wgclis0"], { WASMGUARD_STUB: "other" }).stderr).toMatch(
      /ended \(exit code 7\)/,
    );
  });
});

it("a descriptor that is not open is told", () => {
  const { code, stderr } = wasmguard([process.execPath, local("stub-entry.ts")], ["--tun-fd", "999", "wgclis0"]);
  expect(stderr).toMatch(/^wasmguard: descriptor 999 is not open\. /);
  expect(code).toBe(1);
});

it.for([
  ["verbose", "logged\n"],
  ["silent", ""],
  ["", ""],
])("with LOG_LEVEL=%s the log of a background daemon is %j", async ([level, log]) => {
  const file = join(folder, "log");
  const descriptor = openSync(file, "w");
  const done = spawnSync(process.execPath, [local("stub-entry.ts"), "--no-confine", "wgclis0"], {
    env: { ...process.env, WASMGUARD_STUB: "ready", WASMGUARD_STUB_FILE: join(folder, "pid"), LOG_LEVEL: level },
    stdio: ["ignore", "ignore", descriptor],
    timeout: 25_000,
  });
  closeSync(descriptor);
  expect(done.status).toBe(0);
  expect(await endDaemon()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(log);
});

describe("a wrong command line", () => {
  it.for([
    [[], "no interface name and no command"],
    [["-x", "wg0"], "unknown option '-x'"],
    [["--tun-fd"], "--tun-fd wants a value: N"],
    [
      ["--tun-fd", "-f", "wg0"],
      '--tun-fd wants a value, and "-f" looks like an option. If it is one, write: --tun-fd=-f',
    ],
    [["--foreground=yes", "wg0"], "--foreground takes no value"],
    [["--tun-fd=x", "wg0"], '--tun-fd is not the number of an inherited descriptor: "x"'],
    [["--uapi-fd=1", "wg0"], '--uapi-fd is not the number of an inherited descriptor: "1"'],
    [["--busy-poll", "10001", "wg0"], '--busy-poll is not a number from 0 to 10000: "10001"'],
    [["--busy-poll=0.5", "wg0"], '--busy-poll is not a number from 0 to 10000: "0.5"'],
    [["wg0", "wg1"], '"wg0" is not a command, and an interface name stands alone'],
    [["a-name-too-long-"], 'interface name "a-name-too-long-" is longer than 15 bytes'],
    [["wg/0"], 'interface name "wg/0" contains "/"'],
    [["wg 0"], 'interface name "wg 0" contains " "'],
    [["wg\ufffd"], 'interface name "wg\ufffd" is not UTF-8'],
    [[".."], 'interface name ".." is reserved'],
    [[""], 'interface name "" is empty'],
    [["show", "wg0", "keys"], '"keys" is not a field'],
    [["showconf"], "showconf takes one interface name"],
    [["genkey", "x"], "genkey takes no arguments"],
    [["up"], "up takes one file or name"],
  ] as [string[], string][])("%j: one line, exit code 2", ([args, message]) => {
    const { code, stdout, stderr } = wasmguard([process.execPath, local("stub-entry.ts")], args);
    expect(stderr).toContain(`wasmguard: ${message}`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("of any kind is a UsageError or a start", () => {
    const word = fc.oneof(
      fc.constantFrom("-f", "--foreground", "--tun-fd", "--tun-fd=3", "--", "wg0", "-"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), fc.string(), (args, descriptor) => {
        try {
          const { values, operands } = parseOptions(DAEMON_OPTIONS, args);
          const request = startRequest(operands, values, { WG_TUN_FD: descriptor });
          expect(interfaceNameFault(request.interfaceName)).toBeUndefined();
          expect(request.tunFd === undefined || Number.isInteger(request.tunFd)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

it("WG_TUN_NAME_FILE is not looked at where devices have the names that were asked for", () => {
  for (const path of ["/var/run/wireguard/wg0.name", "wg0.name", ""]) {
    expect(startRequest(["wg0"], {}, { WG_TUN_NAME_FILE: path }).nameFile).toBeUndefined();
  }
});

it("help and version go to stdout", () => {
  const help = wasmguard([process.execPath, local("stub-entry.ts")], ["--help"]);
  expect(help.stdout).toContain("Examples:");
  for (const option of Object.keys(DAEMON_OPTIONS)) expect(help.stdout).toContain(`--${option}`);
  expect(wasmguard([process.execPath, local("stub-entry.ts")], ["--version"]).stdout).toMatch(
    /^wasmguard \d+\.\d+\.\d+\n$/,
  );
  expect(wasmguard([process.execPath, local("stub-entry.ts")], ["up", "--help"]).stdout).toMatch(
    /^Usage: wasmguard up /,
  );
  expect(wasmguard([process.execPath, local("stub-entry.ts")], ["help", "constructor"])).toEqual({ ...help, code: 0 });
});

describe("output that cannot be written", () => {
  const shell = (redirection: string, args: string[]): { status: number | null; stderr: string } => {
    const script = `"$@" ${redirection}; exit \${PIPESTATUS[0]}`;
    const command = [process.execPath, local("entry.ts"), ...args];
    return spawnSync("bash", ["-c", script, "bash", ...command], { encoding: "utf8", timeout: 25_000 });
  };

  it.for([[["genkey"]], [["genpsk"]], [["--help"]], [["--version"]], [["help", "up"]]])(
    "on a full disk is one line and exit code 1: %j",
    ([args]) => {
      const { status, stderr } = shell(">/dev/full", args!);
      expect(stderr).toMatch(/^wasmguard: cannot write the output \(ENOSPC\)\. [^\n]+\n$/);
      expect(status).toBe(1);
    },
  );

  it("is no matter where the reader has left, unless it was a key", () => {
    expect(shell("| true", ["--help"])).toMatchObject({ status: 0, stderr: "" });
    const key = shell("| { exec <&-; sleep 1; }", ["genkey"]);
    expect(key.status).toBe(1);
    expect(key.stderr).toMatch(/^wasmguard: cannot write the output \(EPIPE\)/);
  });
});

it("says so when a daemon that is not ready cannot be stopped", () => {
  expect(stopDaemon({ kill: () => -EPERM }, 77)).toBe("could not be stopped (process 77: EPERM)");
  expect(stopDaemon({ kill: () => 0 }, 77)).toBe("was stopped");
});
