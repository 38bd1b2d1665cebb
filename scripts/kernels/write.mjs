// Writes the unrolled kernels to assembly/crypto/generated/, which git ignores. Edit the generator beside this file, never
// what it wrote. Files that have not changed stay untouched.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { blake2sKernel } from "./blake2s.mjs";
import { chacha20WideKernel } from "./chacha20-wide.mjs";
import { edwardsKernel } from "./edwards.mjs";
import { fieldF64Kernel } from "./field-f64.mjs";
import { fieldFmaKernel } from "./field-fma.mjs";
import { x25519WideKernel } from "./x25519-wide.mjs";

const DIRECTORY = "assembly/crypto/generated";
const KERNELS = {
  blake2s: blake2sKernel,
  "chacha20-wide": chacha20WideKernel,
  edwards: edwardsKernel,
  "field-f64": fieldF64Kernel,
  "field-fma": fieldFmaKernel,
  "x25519-wide": x25519WideKernel,
};

/** @param directory  where to, for builds beside the usual one */
export function writeKernels(directory = DIRECTORY) {
  mkdirSync(directory, { recursive: true });
  for (const [name, kernel] of Object.entries(KERNELS)) {
    const path = `${directory}/${name}.ts`;
    const text = `// Written by scripts/kernels/${name}.mjs, which explains it. Do not edit.\n${kernel()}`;
    if (readOrEmpty(path) === text) continue;
    const partial = `${path}.${process.pid}`; // renamed when complete: another build may be reading
    writeFileSync(partial, text);
    renameSync(partial, path);
  }
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
