// Further copies of wasmguard/crypto in dist/, which package.json chooses by condition. The modules are the same; what they
// carry of WebAssembly differs:
// dist/host      both builds, base64-coded: for Node, Deno and Bun, which differ in what they know, and read it from one file
// dist/web       one build, base64-coded, that every browser takes: for whatever bundles for them, and shows in bytes there
// dist/workerd   one build, as a file that the runtime compiles itself, where nobody else may: Cloudflare Workers
// dist/fetched   one build, as a file that is fetched next to the module: for pages, by an import of its own
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MODULES = ["ciphers", "blake2s", "x25519"];
const SOURCE = "dist/host";
/** What wasmguard/crypto imports besides itself. */
const SHARED = ["core/module.js", "core/support.js"];

const COPIES = {
  web: { build: "simd", carry: (_name, base64) => `export const simd = ${JSON.stringify(base64)};\n` },
  workerd: {
    build: "relaxed",
    carry: (name) => `import relaxed from "./${name}.wasm";\nexport { relaxed };\n`,
  },
  fetched: {
    build: "simd",
    carry: (name) => `const file = fetch(new URL("./${name}.wasm", import.meta.url));
export const simd = await WebAssembly.compileStreaming(file);
`,
  },
};

const isModule = (name) => name.endsWith(".js") || name.endsWith(".js.map");

for (const [copy, { build, carry }] of Object.entries(COPIES)) {
  const target = join("dist", copy);
  rmSync(target, { recursive: true, force: true });
  for (const name of readdirSync(join(SOURCE, "crypto")).filter(isModule)) {
    cpSync(join(SOURCE, "crypto", name), join(target, "crypto", name));
  }
  for (const name of SHARED) {
    for (const file of [name, `${name}.map`]) cpSync(join(SOURCE, file), join(target, file));
  }
  const generated = join(target, "crypto/generated");
  mkdirSync(generated);
  writeFileSync(join(generated, "carried.js"), `export const carried = ${JSON.stringify([build])};\n`);
  for (const name of MODULES) {
    const builds = await import(pathToFileURL(join(SOURCE, `crypto/generated/${name}.js`)).href);
    const text = carry(name, builds[build]);
    writeFileSync(join(generated, `${name}.js`), text);
    if (text.includes(".wasm")) writeFileSync(join(generated, `${name}.wasm`), Buffer.from(builds[build], "base64"));
  }
}
