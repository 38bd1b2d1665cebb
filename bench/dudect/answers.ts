/** X25519 as the core has it and no package exports it: compiled for the purpose, with the kernel of 256 bits where that can be had. */
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { compileLadders, handshakeObstacle } from "../../host/daemon/wide-vectors.ts";
import { cpuFlags } from "../../host/os/linux/cpu-flags.ts";

interface Exports {
  readonly table: WebAssembly.Table;
  area(): number;
  checkLadders(area: number, place: number): number;
  makeFresh(tables: number, one: number, other: number): number;
  makeTables(count: number, table: number, point: number, other: number, otherPoint: number): number;
  x25519Fresh(out: number, scalar: number, tables: number): void;
  x25519Answer(publicKey: number, out: number, scalar: number, one: number, other: number, comb: number): number;
  x25519Answers(
    ...pointers: readonly [keys: number, out: number, scalar: number, other: number, points: number, ...combs: number[]]
  ): number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FLAGS =
  "--runtime stub --noAssert -O2 --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --exportTable";

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const features = "simd,bulk-memory,threads,relaxed-simd";
  const args = ["bench/dudect/answers-entry.ts", ...FLAGS.split(" "), "--enable", features, "--baseDir", ROOT];
  const { error, stderr } = await asc.main([...args, "--outFile", "module.wasm"], {
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name === "module.wasm") wasm = Uint8Array.from(contents as Uint8Array);
    },
  });
  if (error || wasm === undefined) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return wasm;
}

/** @returns why this runtime or this machine has no use for the kernel of 256 bits */
export function kernelObstacle(): string | undefined {
  return handshakeObstacle({ hasAvx2: () => cpuFlags().has("avx2") });
}

/** @param kernel  "none": pairs of ladders. @returns undefined where the kernel's results are wrong */
export async function loadAnswers(kernel: "none" | "256 bits") {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const { instance } = await WebAssembly.instantiate(await compile(), { env: { memory, abort: () => {} } });
  const exports = instance.exports as unknown as Exports;
  if (kernel === "256 bits") {
    const ladders = new WebAssembly.Instance(await compileLadders(), { env: { memory } }).exports;
    const place = exports.table.grow(1, ladders.climb);
    if (exports.checkLadders(exports.area(), place) !== 1) return undefined;
  }
  return { exports, bytes: new Uint8Array(memory.buffer), area: exports.area() };
}
