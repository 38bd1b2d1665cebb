/**
 * The hex coding of the core, compiled alone over a memory that the test can see: what KeyCodec is in the tests.
 */
import type { KeyCodec } from "../../../../host/uapi/target.ts";
import { compileAssembly } from "../../../support/assembly.ts";

const PAGE_BYTES = 65536;

export interface HexModule {
  hexDecode(dst: number, src: number, bytes: number): number;
  hexEncode(dst: number, src: number, bytes: number): void;
}

/** @param pages size of the memory, in pages of 64 KiB */
export async function loadHexModule(pages: number): Promise<{ memory: WebAssembly.Memory; hex: HexModule }> {
  const wasm = await compileAssembly(["assembly/memory/hex.ts"], "--importMemory");
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory, abort: () => {} } });
  return { memory, hex: instance.exports as unknown as HexModule };
}

export function codecOf(hex: HexModule): KeyCodec {
  return {
    decodeHexKey: (from, to) => hex.hexDecode(to, from, 32) !== 0,
    encodeHexKey: (to, from) => hex.hexEncode(to, from, 32),
  };
}

export { PAGE_BYTES };
