// rollup.mjs ENTRY OUTPUT browser|node
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
await bundle.write({ file: output, format: "es", inlineDynamicImports: true });
