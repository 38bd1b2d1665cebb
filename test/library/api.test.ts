/**
 * The tests of the API (networks, their sockets, names and HTTP) and of the proxies, compiled and run again in every runtime. Vitest itself does
 * not start in all of them; its `expect` does.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { findRuntime, RUNTIMES, type RuntimeName } from "../support/runtimes.ts";
import { StandInProject, testsIn } from "./stand-in-project.ts";

const RUN_MS = 180_000;
const FOLDERS = ["network", "sockets", "proxy/socks5", "proxy/http", "proxy/forward", "proxy/sni"].map(
  (folder) => `test/host/${folder}`,
);

const FILES = FOLDERS.flatMap(testsIn);

let project: StandInProject;
beforeAll(() => {
  project = new StandInProject(FOLDERS);
}, 120_000);
afterAll(() => project?.remove());

function command(name: RuntimeName, path: string): string[] {
  const before = name === "deno" ? ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-all"] : [];
  return [path, ...before];
}

it.for(RUNTIMES)("the API's own tests pass in %s", { timeout: RUN_MS + 20_000 }, async (name, context) => {
  const runtime = findRuntime(name);
  if (runtime.path === undefined) return context.skip(runtime.reason);
  const output = await project.run(command(name, runtime.path), FILES, RUN_MS);
  expect(output).toMatch(/^[1-9]\d* tests, 0 failures$/m);
});
