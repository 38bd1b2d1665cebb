// What `npm ci` may fetch and run here: packages with a hash in a lock file, none of their scripts, and the pinned Node.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface Package {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  optionalDependencies?: Record<string, string>;
}

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => JSON.parse(readFileSync(at(path), "utf8"));
const manifest = read("package.json");
const runtime: Package = read("scripts/node-runtime/package.json");

const LOCK_FILES = [
  ...["package-lock.json", "test/packaging/package-lock.json"],
  ...[
    "test/runtimes/package-lock.json",
    "test/runtimes/arm64/package-lock.json",
    "test/runtimes/musl/package-lock.json",
    "test/runtimes/windows/package-lock.json",
  ],
];

describe.each(LOCK_FILES)("%s", (path) => {
  const packages = Object.entries<Package>(read(path).packages);
  const fetched = packages.filter(([name, { link }]) => name.includes("node_modules/") && !link);

  it("has a hash of every package", () => {
    expect(fetched.length).toBeGreaterThan(0);
    const without = fetched.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it("names no host to fetch from", () => {
    expect(fetched.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
  });

  it("has the runtimes of every machine, not of the one it was written on", () => {
    const wanted = packages.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
    const names = new Set(packages.map(([name]) => name));
    expect(wanted.filter((name) => !names.has(`node_modules/${name}`))).toEqual([]);
  });
});

describe("package.json", () => {
  it("has no script that installing it runs, nor has what it brings along: npm warns of each", () => {
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([]);
    const packages = Object.entries<Package>(read("package-lock.json").packages);
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)).toEqual([]);
  });

  it("gives users no Node", () => {
    const forUsers = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
    expect(Object.keys(forUsers).filter((name) => name.includes("node"))).toEqual([]);
  });
});

describe("the Node of the npm scripts", () => {
  it("is one version on every machine", () => {
    expect(new Set(Object.values(runtime.optionalDependencies ?? {}))).toEqual(new Set([runtime.version]));
  });

  it("is the pinned one", (context) => {
    const { platform, arch } = process;
    const here = platform === "linux" && (arch === "x64" || arch === "arm64");
    if (!here) return context.skip(`not every release of Node is packaged for ${platform} on ${arch}`);
    const { stdout } = spawnSync(at("node_modules/.bin/node"), ["--version"], { encoding: "utf8" });
    expect(stdout.trim()).toBe(`v${runtime.version}`);
  });
});
