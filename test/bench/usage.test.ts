/** Each program of the benchmarks tells how it is called when it is asked, and when it is called otherwise. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: Record<string, string> };
const benches = Object.keys(scripts).filter((name) => /^bench(:|$)/.test(name));

function run(name: string, argument: string) {
  const [, ...program] = scripts[name]!.split(" ");
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, argument], {
    cwd: root,
    timeout: 60_000,
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

it("there are programs", () => expect(benches.length).toBeGreaterThan(8));

it.each(benches)("%s has a usage", (name) => {
  const { status, stdout, stderr } = run(name, "--help");
  expect(stdout.startsWith(`npm run ${name} `)).toBe(true);
  expect([status, stderr.includes("    at ")]).toEqual([0, false]);
});

it.each(benches)("%s ends with its usage when it does not know an option", (name) => {
  const { status, stdout, stderr } = run(name, "--no-such-option");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("--no-such-option");
  expect(stderr).toContain(`\nnpm run ${name} `);
  expect(stderr).not.toContain("    at ");
});

it.each(benches)("%s refuses what is no number, before it does anything", (name) => {
  const usage = run(name, "--help").stdout;
  for (const [, option] of usage.matchAll(/--([a-z-]+) +(?:N|MBITS)\b/g)) {
    for (const value of ["x", "-1", "NaN"]) {
      const { status, stdout, stderr } = run(name, `--${option}=${value}`);
      expect([option, value, status, stdout]).toEqual([option, value, 2, ""]);
      expect(stderr).toContain(`--${option} wants a`);
      expect(stderr).toContain(`\nnpm run ${name} `);
    }
  }
});

it("most programs take numbers", () => {
  const taking = benches.filter((name) => / +--[a-z-]+ +N\b/.test(run(name, "--help").stdout));
  expect(taking.length).toBeGreaterThan(8);
});
