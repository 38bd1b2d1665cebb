// webpack.mjs ENTRY OUTPUT browser|node
import { basename, dirname } from "node:path";
import webpack from "webpack";

const [entry, output, target] = process.argv.slice(2);
const config = {
  mode: "production",
  context: dirname(entry),
  entry,
  target: target === "browser" ? ["web", "es2022"] : ["node20", "es2022"],
  experiments: { outputModule: true },
  output: { path: dirname(output), filename: basename(output), module: true, chunkFormat: "module" },
  performance: { hints: false },
};

webpack(config, (error, stats) => {
  if (error !== null || stats.hasErrors() || stats.hasWarnings()) {
    console.error(error ?? stats.toString());
    process.exitCode = 1;
  }
});
