// rollup.mjs ENTRY OUTPUT browser|node
import { basename, dirname } from "node:path";
import commonjs from "@rollup/plugin-commonjs";
import resolve from "@rollup/plugin-node-resolve";
import { transform } from "esbuild";
import { rollup } from "rollup";

const [entry, output, target] = process.argv.slice(2);
const browser = target === "browser";
const minify = { name: "minify", renderChunk: (code) => transform(code, { minify: true, target: "es2022" }) };

const bundle = await rollup({
  input: entry,
  external: browser ? [] : /^node:/,
  plugins: [resolve({ browser, exportConditions: browser ? [] : ["node"] }), commonjs(), minify],
});
// In chunks: in one file, rollup puts a module that is awaited at the top of another behind it, where it is not there yet.
await bundle.write({
  dir: dirname(output),
  entryFileNames: basename(output),
  chunkFileNames: "[name].mjs",
  format: "es",
});
