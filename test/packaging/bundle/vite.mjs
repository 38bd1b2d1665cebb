// vite.mjs ENTRY OUTPUT browser|node
import { basename, dirname } from "node:path";
import { build } from "vite";

const [entry, output, target] = process.argv.slice(2);

await build({
  root: dirname(entry),
  configFile: false,
  logLevel: "warn",
  ...(target === "node" && { ssr: { noExternal: true } }),
  build: {
    outDir: dirname(output),
    emptyOutDir: false,
    target: "es2022",
    minify: "esbuild",
    modulePreload: false,
    ...(target === "node" && { ssr: entry }),
    rollupOptions: { input: entry, output: { entryFileNames: basename(output), format: "es" } },
  },
});
