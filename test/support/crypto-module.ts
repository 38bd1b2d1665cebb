// The crypto module under test, in both builds, with an area for the tests' bytes.
// Everything outside a test's own buffers is filled with a pattern, so that a write astray shows.
import type { WasmExports } from "../../host/crypto/generated/exports.ts";
import relaxed from "../../host/crypto/generated/relaxed.ts";
import simd from "../../host/crypto/generated/simd.ts";

const WASM_PAGE = 65536;
const AREA_BYTES = 3 << 20;
const PATTERN = 0xa5;
const SCRATCH_SECRET_BYTES = 40960; // SCRATCH_PACKET: what lies before it may hold secrets

export class CryptoModule {
  readonly name: string;
  readonly exports: typeof WasmExports;
  private next: number;

  constructor(name: string, base64: string) {
    this.name = name;
    const imports = {
      env: {
        abort: () => {
          throw new Error("abort");
        },
      },
    };
    const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as typeof WasmExports;
    const missing = this.exports.heap() + AREA_BYTES - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / WASM_PAGE));
    this.next = this.memory.length;
    this.reset();
  }

  /** All of linear memory. */
  get memory(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** Give all of the area back, filled with the pattern. */
  reset(): void {
    this.memory.fill(PATTERN, this.exports.heap(), this.next);
    this.next = this.exports.heap() + 64;
  }

  /** Room for `length` bytes at an address that is `offset` modulo 16, with 64 bytes of pattern around. */
  place(length: number, offset = 0): number {
    const address = ((this.next + 15) & ~15) + offset;
    this.next = address + length + 64;
    return address;
  }

  /** The same, holding `bytes`. */
  put(bytes: Uint8Array, offset = 0): number {
    const address = this.place(bytes.length, offset);
    this.memory.set(bytes, address);
    return address;
  }

  read(address: number, length: number): Uint8Array {
    return this.memory.slice(address, address + length);
  }

  /** Is the pattern whole in the 64 bytes before and after a buffer? */
  guarded(address: number, length: number): boolean {
    const memory = this.memory;
    for (let i = 1; i <= 64; i++) {
      if (memory[address - i] !== PATTERN || memory[address + length - 1 + i] !== PATTERN) return false;
    }
    return true;
  }

  /** Is all scratch memory that may hold secrets zero? */
  scratchIsWiped(): boolean {
    const start = this.exports.scratch();
    return this.memory.subarray(start, start + SCRATCH_SECRET_BYTES).every((byte) => byte === 0);
  }
}

export const cryptoModules = [new CryptoModule("relaxed", relaxed), new CryptoModule("simd", simd)];
