// The same Libc and I/O in every runtime that has an FFI, each in a child process and a namespace.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findRuntime, type RuntimeName, runArguments } from "../../support/runtimes.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const script = fileURLToPath(new URL("support/every-runtime.ts", import.meta.url));
const temporary: string[] = [];
afterAll(() => {
  for (const directory of temporary) rmSync(directory, { recursive: true });
});

/** The script as JavaScript, for Node 20. @returns its path */
function compiled(): string {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-io-"));
  temporary.push(directory);
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      outDir: directory,
      rootDir: root,
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: [],
    files: [script],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", directory]);
  return join(directory, "test/host/daemon/support/every-runtime.js");
}

const backends: [RuntimeName, string][] = [
  ["node20", "koffi"],
  ["node22", "koffi"],
  ["node24", "koffi"],
  ["node26", "node"],
  ["deno", "deno"],
  ["bun", "bun"],
  ["bun-musl", "bun"],
];

for (const [name, backend] of backends) {
  test(`${name} calls libc through ${backend}`, (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip("network namespaces need root");
    const { path, reason } = findRuntime(name);
    if (path === undefined) return ctx.skip(reason);
    const args = name === "node20" ? [compiled()] : runArguments(name, script);
    const shell = 'ip link set lo up && exec "$@"';
    const { stdout, stderr, status } = spawnSync("unshare", ["-n", "sh", "-c", shell, "sh", path, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      backend,
      wrongErrno: 0,
      pid: true,
      emptyEventfd: -11,
      woken: [1, 3],
      asleep: 0,
      random: true,
      sendIncidents: 0,
      trains: [
        [1452, 2, 1, 1, true],
        [1452, 2, 1, 1, true],
      ],
      tun: ["wgio2", 1420, true, true, true],
      writeToNobody: -32,
      sameBase: true,
    });
  });
}
