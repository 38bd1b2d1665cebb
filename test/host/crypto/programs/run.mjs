// Started by each runtime: `run.mjs PATH-OF-THE-MODULE PATH-OF-THE-VECTORS [simd]`. With "simd", the runtime is made to say that
// it knows no relaxed SIMD before the module is loaded.
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { check } from "./checks.mjs";

const [module, directory, build] = process.argv.slice(2);
if (build === "simd") WebAssembly.validate = () => false;
const wasmguard = await import(pathToFileURL(module).href);
const vectors = {};
for (const name of ["rfc8439", "xchacha", "x25519", "blake2s"]) {
  vectors[name] = JSON.parse(readFileSync(`${directory}/${name}.json`, "utf8"));
}
console.log(`${wasmguard.build}: ${check(wasmguard, vectors)} checks held`);
