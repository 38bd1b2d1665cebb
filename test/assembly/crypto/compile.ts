// Modules of a test's own around files of assembly/.
import { resolve } from "node:path";
import asc from "assemblyscript/asc";

const ROOT = resolve(import.meta.dirname, "../../..");
const FLAGS = "--runtime stub --noAssert -O2 --initialMemory 1";
const FEATURES = "simd,bulk-memory";
export const BUILDS = { simd: FEATURES, relaxed: `${FEATURES},relaxed-simd` } as const;

/** @param entry a file of this folder @returns the exports of an instance */
export async function compile<Exports>(entry: string, build: keyof typeof BUILDS): Promise<Exports> {
  const { instance } = await WebAssembly.instantiate(await compiled(entry, [BUILDS[build]]), ABORT);
  return instance.exports as unknown as Exports;
}

/** The same on a shared memory and with its table, as the core: for modules beside it. */
export async function compileShared<Exports>(entry: string, build: keyof typeof BUILDS) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const flags = "--importMemory --sharedMemory --maximumMemory 65536 --exportTable";
  const wasm = await compiled(entry, [`${BUILDS[build]},threads`, ...flags.split(" ")]);
  const { instance } = await WebAssembly.instantiate(wasm, { env: { ...ABORT.env, memory } });
  return { exports: instance.exports as unknown as Exports, memory };
}

const ABORT = { env: { abort: () => {} } };

async function compiled(entry: string, features: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      ...[`test/assembly/crypto/${entry}`, ...FLAGS.split(" "), "--enable", ...features],
      ...["--baseDir", ROOT, "--outFile", "module.wasm"],
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
