// Bundles the suite with everything it imports into one file, so that every runtime gets the same JavaScript, also those
// that cannot run TypeScript or find packages another way.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Installed versions of the project and of all that it is compared with. */
export function packageVersions(): Record<string, string> {
  const read = (path: string) => JSON.parse(readFileSync(here(path), "utf8"));
  const { dependencies: compared } = read("../package.json") as { dependencies: Record<string, string> };
  const { version, devDependencies } = read("../../package.json") as {
    version: string;
    devDependencies: Record<string, string>;
  };
  const noble = Object.entries(devDependencies).filter(([name]) => name.startsWith("@noble/"));
  return { wasmguard: version, ...Object.fromEntries(noble), ...compared };
}

/** @returns the path of the bundle */
export async function bundleRun(): Promise<string> {
  const outfile = here("../.build/crypto-run.mjs");
  await build({
    entryPoints: [here("./run.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    external: ["bun:*"], // mitata asks for it inside Bun only
    logLevel: "warning",
  });
  return outfile;
}
