/**
 * scripts/release.sh in a clone, to its end. What it has others do before it publishes is only noted; npm publishes truly, to a registry of
 * the test's own.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ROOT, run } from "./support.ts";

/** As npm sends it. */
interface Publication {
  readonly versions: Readonly<Record<string, { readonly dist: { readonly integrity: string } }>>;
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>;
}

let folder: string;
let clone: string;
let registry: Server;
let published: Publication[] = [];

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const calls = () => join(folder, "calls");
const git = (...args: string[]) =>
  run("git", ["-c", "user.name=test", "-c", "user.email=test@example.org", ...args], clone).stdout;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-release-"));
  registry = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      if (request.method === "PUT") published.push(JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(request.method === "PUT" ? 201 : 404, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(registry.address() as AddressInfo).port}/`;
  writeFileSync(join(folder, "npmrc"), `registry=http://${host}\n//${host}:_authToken=none\n`);
  const npm = run("sh", ["-c", "command -v npm"], folder).stdout.trim();
  mkdirSync(join(folder, "bin"));
  writeFileSync(
    join(folder, "bin/npm"),
    `#!/bin/bash\necho "$@" >>"${calls()}"\n[[ $1 != publish ]] || exec "${npm}" "$@" $MORE\n`,
  );
  chmodSync(join(folder, "bin/npm"), 0o755);
});
afterAll(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  published = [];
  rmSync(calls(), { force: true });
  clone = join(folder, "clone");
  rmSync(clone, { recursive: true, force: true });
  run("git", ["clone", "--quiet", "--depth=1", `file://${ROOT}`, clone], folder);
  cpSync(join(ROOT, "dist"), join(clone, "dist"), { recursive: true });
});

/** @param more options of `npm publish` */
function release(args: readonly string[], more = ""): Promise<{ code: number; output: string }> {
  const { GITHUB_ACTIONS, GITLAB_CI, ...inherited } = process.env;
  const PATH = `${folder}/bin:${process.env.PATH}`;
  const env = { ...inherited, PATH, MORE: more, npm_config_userconfig: join(folder, "npmrc") };
  for (const name of Object.keys(env)) if (/^npm_config_registry$/i.test(name)) Reflect.deleteProperty(env, name);
  return new Promise((resolve) => {
    execFile("bash", ["scripts/release.sh", ...args], { cwd: clone, env, timeout: 100_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` }),
    );
  });
}

/** The heading of this version on the day of its release, or before it. */
function head(day = "2026-12-01"): void {
  const path = join(clone, "CHANGELOG.md");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/^## \[(\d[^\]]*)\].*$/m, `## [$1] - ${day}`));
  git("commit", "--quiet", "--allow-empty", "-am", "release");
}

const STEPS = ["ci --ignore-scripts", "run build", "run types", "run lint", "run test:packaging"];
const PUBLISH = "publish --ignore-scripts --provenance --access public";
const steps = () => readFileSync(calls(), "utf8").trim().split("\n");

it("a dry run goes to the end, and publishes nothing", async () => {
  const { code, output } = await release(["--dry-run"]);
  expect(output).toContain(`+ wasmguard@${version}`);
  expect(output).toContain("dist/host/index.js");
  expect([code, published.length]).toEqual([0, 0]);
  expect(steps()).toEqual([...STEPS, `${PUBLISH} --dry-run`]);
});

it("a tagged version is published as it is packed", async () => {
  head();
  git("tag", `v${version}`);
  // Nobody vouches for a run of the tests.
  const { code, output } = await release([], "--provenance=false");
  expect(output).toContain(`+ wasmguard@${version}`);
  expect([code, published.length]).toEqual([0, 1]);
  const [{ versions, _attachments }] = published as [Publication];
  const [{ data }] = Object.values(_attachments) as [{ data: string }];
  const tarball = Buffer.from(data, "base64");
  const digest = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  expect(versions[version]!.dist.integrity).toBe(digest);
  writeFileSync(join(folder, "published.tgz"), tarball);
  const files = run("tar", ["-tzf", "published.tgz"], folder).stdout;
  for (const file of ["package.json", "bin/wasmguard.js", "dist/host/index.js", "dist/command/daemon.cjs", "LICENSE"]) {
    expect(files).toContain(`package/${file}\n`);
  }
});

it("npm refuses where nobody vouches for the run", async () => {
  head();
  git("tag", `v${version}`);
  const { code, output } = await release([]);
  expect(output).toMatch(/provenance/i);
  expect([code === 0, published.length]).toEqual([false, 0]);
  expect(steps().at(-1)).toBe(PUBLISH);
});

it.each<[string, string[], () => void, RegExp]>([
  ["options that it does not know", ["--force"], () => {}, /usage/],
  ["a second option, which npm would obey", ["--dry-run", "--no-dry-run"], () => {}, /usage/],
  [
    "changes that are not committed",
    ["--dry-run"],
    () => appendFileSync(join(clone, "README.md"), "x"),
    /not committed/,
  ],
  ["a version that the changelog does not know", ["--dry-run"], () => void otherVersion(), /no part for 99\.0\.0/],
  ["a version without a day", [], () => head("unreleased"), /has no date/],
  ["a version without a tag", [], () => head(), /is not tagged/],
])("it refuses %s, before anything is done", async (_what, args, prepare, message) => {
  prepare();
  const { code, output } = await release(args);
  expect(output).toMatch(message);
  expect([code, published.length]).toEqual([1, 0]);
  expect(() => steps()).toThrow("ENOENT");
});

function otherVersion(): void {
  const path = join(clone, "package.json");
  writeFileSync(path, readFileSync(path, "utf8").replace(/"version": ".*"/, '"version": "99.0.0"'));
  git("commit", "--quiet", "-am", "another version");
}
