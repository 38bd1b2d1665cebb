// Further copies of wasmguard/crypto in dist/, which package.json chooses by condition. The modules are the same; what they
// carry of WebAssembly differs:
// dist/host      both builds, base64-coded: for Node, Deno and Bun, which differ in what they know, and read it from one file
// dist/web       one build, base64-coded, that every browser takes: for whatever bundles for them, and shows in bytes there
// dist/workerd   one build, as a file that the runtime compiles itself, where nobody else may: Cloudflare Workers
// dist/fetched   one build, as a file that is fetched next to the module: for pages, by an import of its own
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
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

/** A module as it is, but for its source map: that of the original serves all. */
function copy(name, target) {
  const to = join(target, name);
  const map = relative(dirname(to), join(SOURCE, `${name}.map`));
  const text = readFileSync(join(SOURCE, name), "utf8");
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, text.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, `\n//# sourceMappingURL=${map}\n`));
}

const modules = readdirSync(join(SOURCE, "crypto")).filter((name) => name.endsWith(".js"));

for (const [name, { build, carry }] of Object.entries(COPIES)) {
  const target = join("dist", name);
  rmSync(target, { recursive: true, force: true });
  for (const module of [...modules.map((file) => `crypto/${file}`), ...SHARED]) copy(module, target);
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
