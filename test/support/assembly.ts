// Sources of assembly/, and of tests around them, compiled in memory as what ships is: optimised as asconfig.json says, but for `converge`,
// which does the same passes again, in as much time, for the last percent of size.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import asc from "assemblyscript/asc";

const ROOT = resolve(import.meta.dirname, "../..");
const { options } = JSON.parse(readFileSync(resolve(ROOT, "asconfig.json"), "utf8"));
const { runtime, optimizeLevel, shrinkLevel, runPasses, enable } = options;
const SHIPPED = [
  ...["--runtime", runtime, "--noAssert", "--optimizeLevel", `${optimizeLevel}`, "--shrinkLevel", `${shrinkLevel}`],
  ...["--runPasses", runPasses],
];

/** What each enables besides. */
export const BUILDS = { simd: [], relaxed: ["relaxed-simd"] } as const;
export type Build = keyof typeof BUILDS;
/** On a shared memory, as the core. */
export const SHARED = "--importMemory --sharedMemory --initialMemory 1";

/** @param flags what the memory is, and what is exported */
export async function compileAssembly(
  sources: readonly string[],
  flags: string,
  build: Build = "simd",
): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const features = [...enable, ...BUILDS[build]].join(",");
  const { error, stderr } = await asc.main(
    [
      ...[...sources, ...SHIPPED, ...flags.split(" ")],
      ...["--enable", features, "--baseDir", ROOT, "--outFile", "module.wasm"],
    ],
    {
      writeFile: (name: string, contents: string | Uint8Array) => {
        if (name === "module.wasm") wasm = Uint8Array.from(contents as Uint8Array);
      },
    },
  );
  if (error || !wasm) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return wasm;
}
