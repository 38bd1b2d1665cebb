/**
 * The kernel of eight blocks (assembly/crypto/modules/wide.ts): an addition to a core whose memory is shared. It is worth its place only
 * where the runtime makes 256-bit instructions of it, which whoever compiles it has to see to.
 */
import type { Core } from "./core.ts";
import { decodeBase64 } from "./module.ts";

interface WideKernel {
  /** Where the scratch memory of the core's instance begins. */
  setScratch(address: number): void;
  eightBlocks(
    dst: number,
    src: number,
    dst0: number,
    src0: number,
    counter: number,
    message: number,
    groups: number,
  ): void;
}

const PAGE_BYTES = 65_536;
/** Double rounds of one call, with Poly1305 in each. */
const GROUPS_MAX = 10;

export async function wideKernelBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const { default: base64 } = await import("./generated/wide.ts");
  return decodeBase64(base64);
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WideKernel {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as WideKernel;
}

/** Call the kernel so often that a runtime which compiles what is used finds it worth that. It works on zeros. */
export function warmUp(module: WebAssembly.Module, calls: number): void {
  const kernel = instantiate(module, new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  kernel.setScratch(0);
  const at = PAGE_BYTES / 2;
  for (let i = 0; i < calls; i++) kernel.eightBlocks(at, at, at, at, 0, at, GROUPS_MAX);
}

/**
 * Have a core seal and open with the kernel from now on, before its first packet, if it does what the core does without it.
 * @returns whether it does
 */
export function useWideKernel({ exports, memory }: Core, module: WebAssembly.Module): boolean {
  const kernel = instantiate(module, memory);
  kernel.setScratch(exports.scratch.value);
  return Boolean(exports.useWideKernel(exports.table.grow(1, kernel.eightBlocks)));
}
