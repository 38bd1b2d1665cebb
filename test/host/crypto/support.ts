/** wasmguard/crypto as a user gets it: compiled to ECMAScript, in a directory of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export const PROGRAMS = join(ROOT, "test/host/crypto/programs");
export const VECTORS = join(ROOT, "test/vectors");

export interface Compiled {
  /** Holds host/crypto/index.js and what it imports. */
  readonly directory: string;
  readonly module: string;
  remove(): void;
}

export function compileCrypto(): Compiled {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-crypto-"));
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  const { stdout } = spawnSync(compiler, ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", directory], {
    encoding: "utf8",
  });
  const module = join(directory, "host/crypto/index.js");
  // Errors elsewhere in the sources are not the business of these tests, as long as there is a module.
  if (!existsSync(module)) throw new Error(`the sources cannot be compiled: ${stdout}`);
  return { directory, module, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
