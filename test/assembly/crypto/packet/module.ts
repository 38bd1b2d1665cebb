// The sources behind entry.ts, compiled for their tests, with kernels to bring along: ours, and one that errs.
import { compileAssembly, SHARED } from "../../../support/assembly.ts";

const PAGES = 16;
const SCRATCH_AT = 0x10000;
const AREA_AT = 0x20000;
const PATTERN = 0xa5;
/** What may hold secrets. */
const SECRET_BYTES = 40960;

interface Exports {
  readonly table: WebAssembly.Table;
  readonly CHECK_BYTES: WebAssembly.Global;
  setScratch(at: number): void;
  packetsBegin(key: number): void;
  sealPacket(dst: number, src: number, length: number, counter: bigint): void;
  openPacket(dst: number, src: number, length: number, counter: bigint, expected: bigint): number;
  packetsEnd(): void;
  checkKernel(area: number, place: number): number;
}

interface Kernel {
  setScratch(at: number): void;
  eightBlocks(...numbers: number[]): void;
}

export interface BrokenKernel extends Kernel {
  breakIt(fault: number): void;
}

/** For `expected`: nothing is. */
export const NO_COUNTER = 2n ** 64n - 1n;

export async function compile(source: "entry" | "broken-kernel"): Promise<WebAssembly.Module> {
  const flags = `${SHARED} --maximumMemory ${PAGES} --exportTable`;
  return WebAssembly.compile(await compileAssembly([`test/assembly/crypto/packet/${source}.ts`], flags));
}

export class PacketModule {
  readonly exports: Exports;
  readonly bytes: Uint8Array;
  readonly #memory: WebAssembly.Memory;
  #next = AREA_AT;

  constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    const imports = { env: { memory: this.#memory, abort: () => {} } };
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
    this.exports.setScratch(SCRATCH_AT);
    this.bytes = new Uint8Array(this.#memory.buffer);
    this.reset();
  }

  /** Give all of the area back, filled with a pattern. */
  reset(): void {
    this.bytes.fill(PATTERN, AREA_AT);
    this.#next = AREA_AT + 64;
  }

  /** Bring a kernel. @returns it, and its place in the table */
  bring<K extends Kernel>(module: WebAssembly.Module): { kernel: K; place: number } {
    const imports = { env: { memory: this.#memory, abort: () => {} } };
    const kernel = new WebAssembly.Instance(module, imports).exports as unknown as K;
    kernel.setScratch(SCRATCH_AT);
    return { kernel, place: this.exports.table.grow(1, kernel.eightBlocks) };
  }

  /** Room for `length` bytes at an address that is `offset` modulo 16, with 64 bytes of pattern around. */
  place(length: number, offset = 0): number {
    const at = ((this.#next + 15) & ~15) + offset;
    this.#next = at + length + 64;
    return at;
  }

  put(bytes: Uint8Array, offset = 0): number {
    const at = this.place(bytes.length, offset);
    this.bytes.set(bytes, at);
    return at;
  }

  read(at: number, length: number): Uint8Array {
    return this.bytes.slice(at, at + length);
  }

  /** Is the pattern whole in the 64 bytes before and after a buffer? */
  guarded(at: number, length: number): boolean {
    const around = [this.bytes.subarray(at - 64, at), this.bytes.subarray(at + length, at + length + 64)];
    return around.every((bytes) => bytes.every((byte) => byte === PATTERN));
  }

  /** Have the kernel checked, and used if it is right, on memory that is the check's own. */
  check(place: number): boolean {
    const area = this.place(this.exports.CHECK_BYTES.value);
    const right = Boolean(this.exports.checkKernel(area, place));
    this.reset();
    return right;
  }

  scratchIsWiped(): boolean {
    return this.bytes.subarray(SCRATCH_AT, SCRATCH_AT + SECRET_BYTES).every((byte) => byte === 0);
  }
}
