/** The package as npm would publish it, put where a project finds it; and other people's programs, run to their end. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { outdated } from "./built.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const TOOLS = join(ROOT, "test/packaging/node_modules");

export interface Project {
  readonly directory: string;
  /** What would be published. */
  readonly tarball: string;
  /** Paths in the package. */
  readonly files: readonly string[];
  write(name: string, text: string): string;
  remove(): void;
}

/** A project with the package in its node_modules. The package is the checkout's, as it is built. @throws when it is not, or was before its sources changed */
export function makeProject(): Project {
  const old = outdated();
  if (old.length > 0)
    throw new Error(`dist/ is not of these sources (${old.slice(0, 3).join(", ")} …): npm run build:js`);
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-packaging-"));
  const [{ filename, files }] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", directory], ROOT).stdout,
  );
  const tarball = join(directory, filename);
  const installed = join(directory, "node_modules/wasmguard");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"], directory);
  const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(directory, "node_modules", name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(directory, "node_modules", name));
  }
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  return {
    directory,
    tarball,
    files: files.map(({ path }: { path: string }) => path),
    write(name, text) {
      const path = join(directory, name);
      writeFileSync(path, text);
      return path;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  /** Everything, for messages. */
  readonly output: string;
}

export function attempt(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    timeout: 200_000,
    maxBuffer: 64 << 20,
    env: { ...process.env, ...env },
  });
  return { code: status, stdout, output: `${stdout}${stderr}${error?.message ?? ""}` };
}

/** @throws when it fails */
export function run(program: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Outcome {
  const outcome = attempt(program, args, cwd, env);
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${outcome.code}: ${outcome.output}`);
  return outcome;
}

export function tool(name: string): string {
  return join(TOOLS, ".bin", name);
}

const BUNDLE_SCRIPTS = join(ROOT, "test/packaging/bundle");
export type Bundler = "esbuild" | "vite" | "webpack" | "rollup";
let bundles = 0;

/** @returns the path of the minified bundle of a program */
export function bundle(project: Project, bundler: Bundler, program: string, target: string, ending = "mjs"): string {
  const name = `${bundler}-${bundles++}`;
  const entry = project.write(`${name}-entry.mjs`, program);
  const output = join(project.directory, "out", name, `bundle.${ending}`);
  run(process.execPath, [join(BUNDLE_SCRIPTS, `${bundler}.mjs`), entry, output, target], project.directory);
  return output;
}
