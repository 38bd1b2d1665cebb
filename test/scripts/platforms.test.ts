/** The table of platforms: written from reports of tests, and the document's own is not to say otherwise. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** One of each platform, in the table's order. */
const PLACES = [
  ["/project/test/host/engine/sessions.test.ts", "a session"],
  ["/project/test/e2e/containers.test.ts", "podman"],
  ["/project/test/e2e/kernel-features.test.ts", "no netlink"],
  ["/project/test/e2e/runtimes.test.ts", "bun-musl carries a tunnel"],
  ["/project/test/platforms/arm64.test.ts", "crypto"],
  ["/project/test/packaging/page.test.ts", "a page"],
  ["/project/test/packaging/workerd.test.ts", "a worker"],
  ["/project/test/host/os/macos/daemon.test.ts", "a tunnel"],
  ["/project/test/e2e/wintun.test.ts", "pings"],
  ["P:/project/test/host/engine/sessions.test.ts", "a session"],
] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platforms-"));
  mkdirSync(join(folder, "docs"));
  cpSync(join(ROOT, "scripts/platforms.mjs"), join(folder, "scripts/platforms.mjs"));
  cpSync(join(ROOT, "docs/PLATFORMS.md"), join(folder, "docs/PLATFORMS.md"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param last what became of the last one */
function run(last: "passed" | "failed" | "skipped" | "missing", ...options: string[]) {
  const ran = last === "missing" ? PLACES.slice(0, -1) : PLACES;
  const testResults = ran.map(([name, fullName]) => {
    const status = name === PLACES.at(-1)![0] ? last : "passed";
    return { name, assertionResults: [{ fullName, status }] };
  });
  writeFileSync(join(folder, "report.json"), JSON.stringify({ testResults }));
  const words = [join(folder, "scripts/platforms.mjs"), ...options, join(folder, "report.json")];
  return spawnSync(process.execPath, words, { encoding: "utf8" });
}

const document = (change?: (text: string) => string): string => {
  const path = join(folder, "docs/PLATFORMS.md");
  const text = readFileSync(path, "utf8");
  if (change !== undefined) writeFileSync(path, change(text));
  return text;
};

it("is what the document has, but for the numbers", () => {
  const { status, stdout, stderr } = run("passed");
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout.match(/ \d+ tests pass /g)).toHaveLength(PLACES.length);
});

it("is refused where the document's tells of something else, until it is written there", () => {
  document((text) => text.replace("| Linux x86_64, musl | 2 |", "| Linux x86_64, musl | 1 |"));
  const { status, stderr } = run("passed");
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^docs\/PLATFORMS\.md has another table: .*--write/)]);
  expect(run("passed", "--write").status).toBe(0);
  expect(document()).toContain("| Linux x86_64, musl | 2 |");
  expect(run("passed").status).toBe(0);
});

it.each([
  ["failed", "0 of 1 tests pass"],
  ["skipped", "0 of 1 tests pass"],
  ["missing", "not run"],
] as const)("is refused where a platform's tests are %s", (last, told) => {
  const { status, stdout } = run(last);
  expect(status).toBe(1);
  expect(stdout).toContain(`| ${told} |`);
});
