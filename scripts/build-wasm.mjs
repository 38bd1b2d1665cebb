// Compiles the AssemblyScript sources to WebAssembly, each module with and without relaxed SIMD, which `wide` has no use for and
// `wide-x25519` cannot do without.
// core                       the tunnel: its memory is imported, so that worker threads and system calls can use it. Compiled
//                            for a shared one; the loader makes it private by one byte, whose place is noted here
// wide                       an addition to the core, on the same memory, for those who ask for 256-bit vectors
// wide-x25519                another one, for their handshakes
// ciphers, blake2s, x25519   those of wasmguard/crypto: a private memory, so that they also load in a browser page
// The compiler's options are in asconfig.json; what differs between the two variants is here.
// The bytes end up base64-coded in ES modules, because that is the one way every runtime and bundler can import. What other
// copies of wasmguard/crypto carry instead is written by crypto-copies.mjs.
// Usage: build-wasm.mjs [core|wide|wide-x25519|ciphers|blake2s|x25519]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { writeKernels } from "./kernels/write.mjs";

const MODULES = {
  core: { entry: "assembly/index.ts", write: writeCore },
  wide: { entry: "assembly/crypto/modules/wide.ts", variants: ["simd"], write: writeWide },
  "wide-x25519": { entry: "assembly/crypto/modules/wide-x25519.ts", variants: ["relaxed"], write: writeWide },
  ciphers: { entry: "assembly/crypto/modules/ciphers.ts", write: writeCryptoModule },
  blake2s: { entry: "assembly/crypto/modules/blake2s.ts", write: writeCryptoModule },
  x25519: { entry: "assembly/crypto/modules/x25519.ts", write: writeCryptoModule },
};
const CORE = "host/core/generated";
const CRYPTO = "host/crypto/generated";
const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_WITH_MAXIMUM = 3;
const CONFIG = "asconfig.json";
const { options } = JSON.parse(readFileSync(CONFIG, "utf8"));
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

/** The generated declarations as source, so that tsc carries them over into dist/. */
function declarations(types) {
  const namespace = types.slice(types.indexOf("declare namespace"), types.indexOf("/** Instantiates"));
  return `export ${namespace.replace("__AdaptedExports", "WasmExports")}`;
}

const base64 = (wasm) => `"${Buffer.from(wasm).toString("base64")}"`;

/** A file for each build, of which one is imported when the program has decided; and one for the declarations. */
function writeCore(_name, builds, types) {
  mkdirSync(CORE, { recursive: true });
  for (const [variant, wasm] of Object.entries(builds)) {
    const lines = [`const base64: string = ${base64(wasm)};`, "export default base64;"];
    lines.push(`export const memoryFlagsAt = ${memoryFlagsAt(wasm)};`);
    writeFileSync(`${CORE}/${variant}.ts`, `${lines.join("\n")}\n`);
  }
  writeFileSync(`${CORE}/exports.ts`, declarations(types));
}

/** The memory that it imports is the core's, whose data it must not write over: it has none of its own. */
function writeWide(name, builds) {
  const [wasm] = Object.values(builds);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } });
  if (new Uint8Array(memory.buffer).some((byte) => byte !== 0)) throw new Error("the module has data");
  writeFileSync(`${CORE}/${name}.ts`, `const base64: string = ${base64(wasm)};\nexport default base64;\n`);
}

/** One file for both builds, since it is imported before the program could decide; and which builds these are. */
function writeCryptoModule(name, builds, types) {
  mkdirSync(CRYPTO, { recursive: true });
  const lines = Object.entries(builds).map(([variant, wasm]) => `export const ${variant}: string = ${base64(wasm)};`);
  writeFileSync(`${CRYPTO}/${name}.ts`, `${lines.join("\n")}\n${declarations(types)}`);
  const names = JSON.stringify(Object.keys(builds));
  const type = 'readonly ["relaxed" | "simd", ("relaxed" | "simd")?]';
  writeFileSync(`${CRYPTO}/carried.ts`, `export const carried: ${type} = ${names};\n`);
}

writeKernels();

for (const name of process.argv[2] ? [process.argv[2]] : Object.keys(MODULES)) {
  const { entry, variants = Object.keys(FEATURES), write } = MODULES[name];
  const builds = {};
  let types = "";
  for (const variant of variants) {
    const compiled = await compile(name, entry, FEATURES[variant]);
    builds[variant] = compiled.wasm;
    types = compiled.types;
    console.log(`${name} (${variant}): ${compiled.wasm.length} bytes`);
  }
  write(name, builds, types);
}
