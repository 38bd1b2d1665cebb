/**
 * The kernel of four ladders of X25519 (assembly/crypto/modules/wide-x25519.ts): an addition to a core whose memory is shared. It is worth its
 * place only where the runtime makes 256-bit instructions of it, which whoever compiles it has to see to.
 */
import type { Core } from "./core.ts";
import { decodeBase64 } from "./module.ts";

interface LadderKernel {
  /** @param area aligned to 32 */
  climb(area: number): void;
}

export async function ladderKernelBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const { default: base64 } = await import("./generated/wide-x25519.ts");
  return decodeBase64(base64);
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): LadderKernel {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LadderKernel;
}

/** Climb so often that a runtime which compiles what is used finds all of it worth that. It works on zeros. */
export function warmUpLadders(module: WebAssembly.Module, calls: number): void {
  const kernel = instantiate(module, new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  for (let i = 0; i < calls; i++) kernel.climb(0);
}

/**
 * Have a core climb with the kernel from now on, between two turns of its driver, if that yields what the core's own ladders do.
 * @returns whether it does
 */
export function useLadderKernel({ exports, memory }: Core, module: WebAssembly.Module): boolean {
  const kernel = instantiate(module, memory);
  return Boolean(exports.useLadders(exports.table.grow(1, kernel.climb)));
}
