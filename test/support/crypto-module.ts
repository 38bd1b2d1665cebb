// The modules of wasmguard/crypto under test, in both builds, with an area for the tests' bytes.
// Everything outside a test's own buffers is filled with a pattern, so that a write astray shows.
import * as blake2s from "../../host/crypto/generated/blake2s.ts";
import * as ciphers from "../../host/crypto/generated/ciphers.ts";
import * as x25519 from "../../host/crypto/generated/x25519.ts";

const WASM_PAGE = 65536;
const AREA_BYTES = 3 << 20;
const PATTERN = 0xa5;
const SCRATCH_SECRET_BYTES = 40960; // SCRATCH_PACKET: what lies before it may hold secrets

interface OwnMemory {
  readonly memory: WebAssembly.Memory;
  heap(): number;
  scratch(): number;
}

export class CryptoModule<Exports extends OwnMemory> {
  readonly name: string;
  readonly exports: Exports;
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
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
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

function inBothBuilds<Exports extends OwnMemory>({ relaxed, simd }: { relaxed: string; simd: string }) {
  return [new CryptoModule<Exports>("relaxed", relaxed), new CryptoModule<Exports>("simd", simd)];
}

export type CipherModule = CryptoModule<typeof ciphers.WasmExports>;
export const cipherModules = inBothBuilds<typeof ciphers.WasmExports>(ciphers);
export type Blake2sExports = typeof blake2s.WasmExports;
export const blake2sModules = inBothBuilds<Blake2sExports>(blake2s);
export const x25519Modules = inBothBuilds<typeof x25519.WasmExports>(x25519);
