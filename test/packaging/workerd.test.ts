/** wasmguard/crypto in workerd, the runtime of Cloudflare Workers, which compiles WebAssembly from files only. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CRYPTO_IN_WORKER } from "./programs.ts";
import { attempt, bundle, makeProject, type Project, TOOLS } from "./support.ts";

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

/** The last day that this workerd knows, by its version: 1.YYYYMMDD.N. */
function newestDate(): string {
  const { version } = JSON.parse(readFileSync(join(TOOLS, "workerd/package.json"), "utf8"));
  return version.replace(/^1\.(\d{4})(\d\d)(\d\d)\..*$/, "$1-$2-$3");
}

function configure(directory: string, date: string): string {
  const modules = readdirSync(directory).map((name) =>
    name.endsWith(".wasm")
      ? `(name = "./${name}", wasm = embed "${name}")`
      : `(name = "${basename(name)}", esModule = embed "${name}")`,
  );
  // The first module is the worker itself.
  modules.sort((a, b) => Number(b.includes("esModule")) - Number(a.includes("esModule")));
  const config = join(directory, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "${date}"))],
);`,
  );
  return config;
}

// Before May 2025 workers had neither weak references nor finalizers.
it.each(["2024-01-01", newestDate()])("runs as a worker of %s", (date) => {
  const directory = dirname(bundle(project, "esbuild", CRYPTO_IN_WORKER, "workerd"));
  const outcome = attempt(join(TOOLS, ".bin/workerd"), ["test", configure(directory, date)], directory);
  expect(outcome.code, outcome.output).toBe(0);
  expect(outcome.output).toMatch(/PASS/);
});
