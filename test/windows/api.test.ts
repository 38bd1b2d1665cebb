/**
 * The tests of networks, their sockets and the proxies in Bun and Deno for Windows, as test/library/api.test.ts has it for Linux; as TypeScript,
 * which both run by themselves.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "./installed.ts";
import { run } from "./runtimes.ts";

const PACKAGES = [
  ...["@vitest", "@standard-schema", "chai", "tinyrainbow", "pathe", "magic-string", "fast-check", "pure-rand"],
  ...["@noble", "@dnsquery", "@leichtgewicht", "utf8-codec", "ipaddr.js"],
];

const inFolder = (folder: string): string[] =>
  readdirSync(join(ROOT, "test/host", folder))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${folder}/${name}`);

const NETWORKS = ["network", "sockets"].flatMap(inFolder);
const PROXIES = ["socks5", "http", "forward", "sni"].flatMap((name) => inFolder(`proxy/${name}`));
/** Under Wine, Bun's own sockets stall in what half-closes them: not the tunnel's. */
const STALLS_IN_BUN = new Set(["sockets/as-node.test.ts", ...PROXIES]);
const FILES = [...NETWORKS, ...PROXIES].flatMap((file) =>
  (STALLS_IN_BUN.has(file) ? ["deno"] : ["bun", "deno"]).map((runtime) => [runtime, file] as const),
);

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "wasmguard-api-"));
  const copy = (path: string): void => cpSync(join(ROOT, path), join(project, path), { recursive: true });
  for (const name of PACKAGES) copy(`node_modules/${name}`);
  for (const path of ["host", "test/host", "test/support", "assembly/abi.ts"]) copy(path);
  const standIn = join(project, "node_modules/vitest");
  mkdirSync(standIn);
  cpSync(join(ROOT, "test/library/vitest-stand-in.mjs"), join(standIn, "index.mjs"));
  cpSync(join(ROOT, "test/library/run-tests.mjs"), join(project, "run-tests.mjs"));
  writeFileSync(join(standIn, "package.json"), JSON.stringify({ name: "vitest", exports: "./index.mjs" }));
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

it.for(FILES)("%s: %s", ([runtime, file]) => {
  const { status, stdout, stderr } = run(runtime, ["run-tests.mjs", `test/host/${file}`], { cwd: project });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/^[1-9]\d* tests, 0 failures$/m);
});
