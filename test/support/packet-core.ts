// The packet sources of the core as a module of their own: compiled in memory, with areas for the tests' bytes.
// Bytes outside the areas are filled with a pattern, so that a write astray shows.
import { compileAssembly } from "./assembly.ts";

const SOURCES = [
  ...["checksum", "ip", "split", "coalesce", "icmp", "ecn", "nesting"].map((name) => `assembly/packet/${name}.ts`),
  "assembly/memory/scratch.ts",
];
const SCRATCH = 0x10000;
const PATTERN = 0xa5;

export interface PacketExports {
  memory: WebAssembly.Memory;
  setScratch(base: number): void;
  sum(src: number, length: number): bigint;
  copyAndSum(dst: number, src: number, length: number): bigint;
  fold(total: bigint): number;
  complement(total: bigint): number;
  complementNonZero(total: bigint): number;
  pseudoHeader(packet: number, protocol: number, length: number): bigint;
  transportSum(packet: number, protocol: number, transport: number, length: number): bigint;
  ipv4HeaderSum(packet: number): bigint;
  version(packet: number, length: number): number;
  innerLength(packet: number, length: number): number;
  source(packet: number, kind: number): number;
  destination(packet: number, kind: number): number;
  splitBegin(vnet: number, length: number): number;
  splitPlain(packet: number, length: number): number;
  splitSegmentLength(): number;
  splitNext(dst: number): number;
  coalesceBegin(
    memoryBase: bigint,
    gather: number,
    gatherCapacity: number,
    writes: number,
    writeCapacity: number,
    vnet: number,
    mergeTcp: number,
    mergeUdp: number,
  ): void;
  coalesceNext(packet: number, length: number): number;
  coalesceAdd(packet: number, length: number): number;
  coalesceFinish(): number;
  icmpError(dst: number, packet: number, length: number, kind: number, mtu: number): number;
  icmpErrorForRead(dst: number, vnet: number, length: number, kind: number, mtu: number): number;
  hopLimitFor(packet: number, kind: number, length: number): number;
  isOwnDatagram(packet: number, kind: number, length: number, path: number, port: number): number;
  ecnOf(packet: number, kind: number): number;
  decapsulate(packet: number, kind: number, outerTos: number): void;
}

/** Where tests may put their bytes: everything from here to the end of memory. */
export const ARENA = 0x20000;
export const ARENA_BYTES = 6 * 1024 * 1024;

export function compilePacketSources(): Promise<Uint8Array<ArrayBuffer>> {
  return compileAssembly(SOURCES, "--initialMemory 98");
}

export class PacketCore {
  readonly exports: PacketExports;

  private constructor(exports: PacketExports) {
    this.exports = exports;
    exports.setScratch(SCRATCH);
  }

  static async load(): Promise<PacketCore> {
    const { instance } = await WebAssembly.instantiate(await compilePacketSources(), {
      env: { abort: () => {} },
    });
    return new PacketCore(instance.exports as unknown as PacketExports);
  }

  /** All of memory. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** Fill `length` bytes of the arena with the pattern. */
  clear(at: number, length: number): void {
    this.bytes.fill(PATTERN, at, at + length);
  }

  put(at: number, content: Uint8Array): void {
    this.bytes.set(content, at);
  }

  get(at: number, length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.bytes.subarray(at, at + length));
  }

  /** First byte of the range that is not the pattern; -1 when all are. */
  firstTouched(from: number, to: number): number {
    const bytes = this.bytes;
    for (let i = from; i < to; i++) if (bytes[i] !== PATTERN) return i;
    return -1;
  }
}
