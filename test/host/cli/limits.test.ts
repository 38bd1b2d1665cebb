/** Limits of the process: too low ones are told in one line each, before anything is started. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CliError, describeError } from "../../../host/cli/command-errors.ts";
import { checkLimits } from "../../../host/cli/limits.ts";
import { SystemError } from "../../../host/errors.ts";
import { ERRNO } from "../../../host/ffi/errno.ts";

const line = (name: string, soft: string): string => `${name.padEnd(26)}${soft.padEnd(21)}unlimited            units\n`;
const ENTRY = fileURLToPath(new URL("entry.ts", import.meta.url));

describe("a limit", () => {
  it.each([
    ["Max open files", "24", /^only 24 descriptors may be open, and a tunnel needs 48$/],
    ["Max open files", "47", /^only 47 descriptors/],
    ["Max address space", "512000000", /^only 500000 KiB of address space may be used/],
  ])("%s of %s is too low", (name, soft, message) => {
    expect(() => checkLimits(line(name, soft))).toThrow(message);
    expect(() => checkLimits(line(name, soft))).toThrow(CliError);
  });

  it.each([
    ["Max open files", "48"],
    ["Max open files", "unlimited"],
    ["Max address space", "unlimited"],
    ["Max address space", "8000000000"],
    ["Max core file size", "0"],
  ])("%s of %s will do", (name, soft) => {
    expect(() => checkLimits(line(name, soft))).not.toThrow();
  });

  it.each(["-n 24", "-n 30", "-n 40"])("set by ulimit %s is one line and exit code 1", (limit) => {
    const script = `ulimit ${limit}; exec "$@"`;
    const command = ["-c", script, "bash", process.execPath, ENTRY, "-f", "wglimit0"];
    const { status, stderr } = spawnSync("bash", command, { encoding: "utf8", timeout: 25_000 });
    expect(stderr).toMatch(/^wasmguard: (only \d+ descriptors may be open|.*EMFILE)[^\n]* ulimit -n[^\n]*\n$/);
    expect(status).toBe(1);
  });
});

describe("what the system refuses", () => {
  it.each(Object.entries(ERRNO))("with %s is told with what to do, and not where to read", (name, errno) => {
    const text = describeError(new SystemError("open", errno, "/x"));
    expect(text).toMatch(new RegExp(`^open /x: ${name}\\. .+\\.$`));
    expect(text).not.toMatch(/manual/i);
  });

  it("in the runtime's own words has advice as well", () => {
    const error = Object.assign(new Error("EROFS: read-only file system, open '/x'"), { code: "EROFS" });
    expect(describeError(error)).toMatch(/^EROFS: .*'\/x'\. That file system is read-only: /);
  });
});
