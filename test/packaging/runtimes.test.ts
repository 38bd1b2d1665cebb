/** The installed package in every runtime: imported, required, and made part of one executable file. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRuntime, NEWEST_NODES, RUNTIMES, type RuntimeName } from "../support/runtimes.ts";
import {
  ANSWER,
  CRYPTO,
  CRYPTO_BY_PARTS,
  CRYPTO_REQUIRED,
  LIBRARY,
  LIBRARY_ANSWER,
  LIBRARY_REQUIRED,
} from "./programs.ts";
import { bundle, makeProject, type Project, run } from "./support.ts";

const PROGRAMS = [
  { name: "wasmguard/crypto, imported", file: "crypto.mjs", text: CRYPTO, answer: ANSWER },
  { name: "wasmguard/crypto, imported by parts", file: "parts.mjs", text: CRYPTO_BY_PARTS, answer: ANSWER },
  { name: "wasmguard/crypto, required", file: "crypto.cjs", text: CRYPTO_REQUIRED, answer: ANSWER },
  { name: "the library, imported", file: "library.mjs", text: LIBRARY, answer: LIBRARY_ANSWER },
  { name: "the library, required", file: "library.cjs", text: LIBRARY_REQUIRED, answer: LIBRARY_ANSWER },
] as const;

let project: Project;
beforeAll(() => {
  project = makeProject();
  for (const { file, text } of PROGRAMS) project.write(file, text);
});
afterAll(() => project.remove());

function pathOf(name: RuntimeName): string {
  const { path, reason } = findRuntime(name);
  if (path === undefined) throw new Error(reason);
  return path;
}

const argumentsOf = (name: RuntimeName, file: string): string[] =>
  name === "deno" ? ["run", "--quiet", "--no-lock", "--allow-all", file] : [file];

describe.each([...RUNTIMES, ...NEWEST_NODES])("%s", (runtime) => {
  it.each(PROGRAMS)("$name", ({ file, answer }) => {
    const { stdout, output } = run(pathOf(runtime), argumentsOf(runtime, file), project.directory);
    expect(stdout.trim()).toBe(answer);
    // Node calls `require` of ES modules experimental in its older lines.
    const warnings = output
      .replace(stdout, "")
      .replace(/.*ExperimentalWarning: CommonJS module.*\n.*--trace-warnings.*\n/, "");
    expect(warnings).toBe("");
  });
});

describe("one executable file", () => {
  it("made by Bun", () => {
    const entry = project.write("compiled.mjs", `${CRYPTO}\n${LIBRARY}`);
    const executable = join(project.directory, "compiled-by-bun");
    run(pathOf("bun"), ["build", "--compile", "--minify", entry, "--outfile", executable], project.directory);
    expect(run(executable, [], "/").stdout.trim().split("\n")).toEqual([ANSWER, LIBRARY_ANSWER]);
  });

  it("made by Node", () => {
    // Node takes one file of CommonJS, which knows no `await` outside of functions.
    const program = `${LIBRARY.replace(";", ";\n(async () => {")}})();`;
    const executable = join(project.directory, "compiled-by-node");
    const config = join(project.directory, "sea.json");
    const main = bundle(project, "esbuild", program, "node", "cjs");
    writeFileSync(config, JSON.stringify({ main, output: executable, disableExperimentalSEAWarning: true }));
    run(pathOf("node26"), ["--build-sea", config], project.directory);
    expect(run(executable, [], "/").stdout.trim()).toBe(LIBRARY_ANSWER);
  });
});
