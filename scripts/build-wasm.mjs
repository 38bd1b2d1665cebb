// Compiles the AssemblyScript sources to WebAssembly: two modules, each with and without relaxed SIMD.
// core    the tunnel: its memory is imported, so that worker threads and system calls can use it. Compiled for a shared
//         one; the loader makes it private by one byte, whose place is noted here
// crypto  the primitives alone: a private memory, so that it also loads in a browser page
// The compiler's options are in asconfig.json; what differs between the two variants is here.
// The bytes end up base64-coded in ES modules, because that is the one way every runtime and bundler can import.
// Usage: build-wasm.mjs [core|crypto]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { writeKernels } from "./kernels/write.mjs";

const MODULES = {
  core: { entry: "assembly/index.ts", out: "host/core/generated" },
  crypto: { entry: "assembly/crypto/index.ts", out: "host/crypto/generated" },
};
const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_WITH_MAXIMUM = 3;
const CONFIG = "asconfig.json";
const { options, targets } = JSON.parse(readFileSync(CONFIG, "utf8"));
const FEATURES = { relaxed: ["relaxed-simd"], simd: [] };

/** Compile one module with one feature set. @returns the Wasm binary and the declarations of its exports */
async function compile(target, entry, features) {
  const files = new Map();
  const enable = [...options.enable, ...features].join(",");
  const { error, stderr } = await asc.main(
    [entry, "--config", CONFIG, "--target", target, "--enable", enable, "--outFile", "module.wasm"],
    { writeFile: (name, contents) => files.set(name, contents) },
  );
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  return { wasm: files.get("module.wasm"), types: files.get("module.d.ts") };
}

/**
 * Where the binary says whether the memory it imports is shared: the flags of the memory's limits, in the import section.
 * (WebAssembly core specification, binary format, §5.5.5; threads proposal.)
 */
function memoryFlagsAt(wasm) {
  let at = 8; // magic, version
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const skip = (bytes) => (at += bytes);
  for (let section = wasm[at++]; section !== IMPORT_SECTION; section = wasm[at++]) skip(number());
  number(); // its length
  if (number() !== 1) throw new Error("the memory is not the only import");
  skip(number()); // module
  skip(number()); // name
  if (wasm[at++] !== MEMORY_IMPORT || wasm[at] !== SHARED_WITH_MAXIMUM) throw new Error("no shared memory is imported");
  return at;
}

writeKernels();
/** The generated declarations as a source file, so that tsc carries them over into dist/. */
function declarations(types) {
  const namespace = types.slice(types.indexOf("declare namespace"), types.indexOf("/** Instantiates"));
  return `export ${namespace.replace("__AdaptedExports", "WasmExports")}`;
}

for (const name of process.argv[2] ? [process.argv[2]] : Object.keys(MODULES)) {
  const module = MODULES[name];
  mkdirSync(module.out, { recursive: true });
  for (const [variant, features] of Object.entries(FEATURES)) {
    const { wasm, types } = await compile(name, module.entry, features);
    const lines = [`const base64: string = "${Buffer.from(wasm).toString("base64")}";`, "export default base64;"];
    if (targets[name].importMemory) lines.push(`export const memoryFlagsAt = ${memoryFlagsAt(wasm)};`);
    writeFileSync(`${module.out}/${variant}.ts`, `${lines.join("\n")}\n`);
    writeFileSync(`${module.out}/exports.ts`, declarations(types));
    console.log(`${name} (${variant}): ${wasm.length} bytes`);
  }
}
