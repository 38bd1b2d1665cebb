// Modules of a test's own around files of assembly/.
import { resolve } from "node:path";
import asc from "assemblyscript/asc";

const ROOT = resolve(import.meta.dirname, "../../..");
const FLAGS = "--runtime stub --noAssert -O2 --initialMemory 1";
const FEATURES = "simd,bulk-memory";
export const BUILDS = { simd: FEATURES, relaxed: `${FEATURES},relaxed-simd` } as const;

/** @param entry a file of this folder @returns the exports of an instance */
export async function compile<Exports>(entry: string, build: keyof typeof BUILDS): Promise<Exports> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      ...[`test/assembly/crypto/${entry}`, ...FLAGS.split(" "), "--enable", BUILDS[build]],
      ...["--baseDir", ROOT, "--outFile", "module.wasm"],
    ],
    {
      writeFile: (name: string, contents: string | Uint8Array) => {
        if (name === "module.wasm") wasm = Uint8Array.from(contents as Uint8Array);
      },
    },
  );
  if (error || !wasm) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  const { instance } = await WebAssembly.instantiate(wasm, { env: { abort: () => {} } });
  return instance.exports as unknown as Exports;
}
