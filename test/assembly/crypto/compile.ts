// Modules of a test's own around files of assembly/.
import { BUILDS, type Build, compileAssembly, SHARED } from "../../support/assembly.ts";

export { BUILDS };

const ABORT = { env: { abort: () => {} } };

/** @param entry a file of this folder @returns the exports of an instance */
export async function compile<Exports>(entry: string, build: Build): Promise<Exports> {
  const wasm = await compileAssembly([`test/assembly/crypto/${entry}`], "--initialMemory 1", build);
  const { instance } = await WebAssembly.instantiate(wasm, ABORT);
  return instance.exports as unknown as Exports;
}

/** The same on a shared memory and with its table, as the core: for modules beside it. */
export async function compileShared<Exports>(entry: string, build: Build) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const flags = `${SHARED} --maximumMemory 65536 --exportTable`;
  const wasm = await compileAssembly([`test/assembly/crypto/${entry}`], flags, build);
  const { instance } = await WebAssembly.instantiate(wasm, { env: { ...ABORT.env, memory } });
  return { exports: instance.exports as unknown as Exports, memory };
}
