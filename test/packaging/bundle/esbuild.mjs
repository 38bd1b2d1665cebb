// esbuild.mjs ENTRY OUTPUT browser|node|workerd
import { dirname } from "node:path";
import { build } from "esbuild";

const [entry, output, target] = process.argv.slice(2);
/** Where modules of WebAssembly are files, esbuild copies them, as the tools of Cloudflare do. */
const WORKERD = { conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" } };

await build({
  entryPoints: [entry],
  ...(target === "workerd" ? { outdir: dirname(output), entryNames: "bundle" } : { outfile: output }),
  ...(target === "workerd" ? WORKERD : { platform: target }),
  bundle: true,
  minify: true,
  outExtension: target === "workerd" ? { ".js": ".mjs" } : {},
  format: output.endsWith(".cjs") ? "cjs" : "esm",
  logLevel: "warning",
});
