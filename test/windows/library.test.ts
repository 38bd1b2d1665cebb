/** Programs that use the package as users do, in each runtime of Windows. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectWithPackage, ROOT } from "./installed.ts";
import { RUNTIMES, run } from "./runtimes.ts";

const PROGRAMS = ["example.mjs", "strict-random.mjs", "checks.mjs", "drivers.mjs", "alike.mjs"];
let project: string;

beforeAll(() => {
  project = projectWithPackage();
  for (const program of PROGRAMS) cpSync(join(ROOT, "test/library", program), join(project, program));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe.each(RUNTIMES)("in %s", (runtime) => {
  const linesOf = (...args: string[]): string[] => {
    const { status, stdout, stderr } = run(runtime, args, { cwd: project });
    expect(status, stderr).toBe(0);
    return stdout.trim().split(/\r?\n/);
  };
  const EXAMPLE = [
    ...["handshake", "Bob got: hello, Bob", "Alice got: hello, Alice", "Alice received 156 bytes and sent 212"],
  ];

  it("the example of the README runs, and asks for no random bytes in shared memory", () => {
    expect(linesOf("example.mjs")).toEqual(EXAMPLE);
    expect(linesOf("strict-random.mjs")).toEqual(EXAMPLE);
  });

  it("errors, ports and streams work", () => {
    const lines = ["keys true 44", "errors PORT_IN_USE BIND CLOSED none", "moved true", "stream 41 42"];
    expect(linesOf("checks.mjs")).toEqual(lines);
  });

  it("the runtime's own sockets carry datagrams, over both families", () => {
    const lines = linesOf("drivers.mjs", "portable");
    expect(lines.filter((line) => line.startsWith("portable to portable"))).toHaveLength(5);
    for (const line of lines.slice(0, 5)) expect(line).toMatch(/: there, and back, moved, found$/);
  });

  it("what is refused, lost or closed looks as elsewhere", () => {
    const lines = linesOf("alike.mjs", "portable").map((line) => line.trim());
    // Deno for Windows takes no datagram of 9000 bytes.
    const large = `large ${runtime !== "deno"}`;
    const expected = ["refused true 0n", large, "forbidden 1n", "ports PORT_IN_USE PORT_IN_USE none", "unref 7"];
    // Descriptors do not run out there as they do on Linux.
    expect(lines.filter((line) => !line.startsWith("exhausted"))).toEqual(expected);
  });
});
