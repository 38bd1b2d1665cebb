/** Linear memory as the I/O tests lay it out, and descriptors written and read as plain objects. */
import { MESSAGE_BYTES_MAX, TX_BYTES, TX_PEER } from "../../../../../assembly/abi.ts";
import { type MemoryViews, viewsOf } from "../../../../../host/core/records/memory.ts";
import {
  pathAddressAt,
  pathFamily,
  pathInterface,
  pathLocalAt,
  pathPort,
  setPathFamily,
  setPathInterface,
  setPathPort,
} from "../../../../../host/core/records/path.ts";
import { rxAt, rxLength, rxOffset, rxPath, rxSegment, rxTos } from "../../../../../host/core/records/rx.ts";
import { fillTx, txAt, txPath } from "../../../../../host/core/records/tx.ts";
import { type Libc, openLibc } from "../../../../../host/ffi/libc.ts";
import { LinuxUdp, type UdpArea, type UdpOptions, udpBytes } from "../../../../../host/os/linux/udp.ts";

export const SLOTS = 4;
export const MESSAGES = 16;
/** Free for a test's own use. */
export const SPARE = 4096;
const TX = 16384;
const RX = 32768;
/** Bytes to send come from here on. */
export const DATA = 65536;
const ENDPOINTS = 262144;
const ENDPOINT_BYTES = 65536 + SLOTS * MESSAGE_BYTES_MAX;

export interface Message {
  bytes: Uint8Array;
  segment?: number;
  to: { family: 4 | 6; port: number; address: number[] };
  tos?: number;
  peer?: number;
  source?: { address: number[]; interface: number };
}

export interface Received {
  bytes: Uint8Array;
  segment: number;
  tos: number;
  family: number;
  port: number;
  address: number[];
  local: number[];
  interface: number;
}

/** Several UDP endpoints over one memory. */
export class Lab {
  readonly libc: Libc;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #views: MemoryViews;
  #endpoints = 0;

  static async open(): Promise<Lab> {
    const pages = (ENDPOINTS + 4 * ENDPOINT_BYTES) / 65536;
    return new Lab(await openLibc(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })));
  }

  constructor(libc: Libc) {
    this.libc = libc;
    this.bytes = new Uint8Array(libc.memory.buffer);
    this.view = new DataView(libc.memory.buffer);
    this.#views = viewsOf(libc.memory);
  }

  udp(options: UdpOptions = {}): LinuxUdp {
    return new LinuxUdp(this.libc, this.area(), options);
  }

  /** Memory of one more endpoint. */
  area(): UdpArea {
    if (udpBytes(SLOTS) > 65536) throw new RangeError("enlarge ENDPOINT_BYTES");
    const control = ENDPOINTS + this.#endpoints++ * ENDPOINT_BYTES;
    return { control, buffer: control + 65536, slots: SLOTS, messages: MESSAGES };
  }

  /** Write send descriptors and their bytes. @returns the offset of the first, and their count */
  describe(messages: Message[]): [descriptors: number, count: number] {
    let data = DATA;
    messages.forEach((message, i) => {
      const views = this.#views;
      const at = txAt(TX, i);
      this.bytes.fill(0, at, at + TX_BYTES);
      this.bytes.set(message.bytes, data);
      const { length } = message.bytes;
      fillTx(views, at, data, length, message.segment ?? length, message.tos ?? 0);
      views.words[(at + TX_PEER) >>> 2] = message.peer ?? 0;
      const path = txPath(at);
      setPathFamily(views, path, message.to.family);
      setPathPort(views, path, message.to.port);
      setPathInterface(views, path, message.source?.interface ?? 0);
      this.bytes.set(message.to.address, pathAddressAt(path));
      this.bytes.set(message.source?.address ?? [], pathLocalAt(path));
      data += message.bytes.length;
    });
    return [TX, messages.length];
  }

  /** The cached source in send descriptor i. */
  source(i: number): { address: number[]; interface: number } {
    const path = txPath(txAt(TX, i));
    const local = pathLocalAt(path);
    return { address: [...this.bytes.slice(local, local + 16)], interface: pathInterface(this.#views, path) };
  }

  /** Receive once, waiting up to a second for the first message. */
  receive(udp: LinuxUdp, family: 4 | 6): Received[] {
    const deadline = performance.now() + 1000;
    let count = 0;
    while (count === 0 && performance.now() < deadline) count = udp.receive(family, RX);
    if (count < 0) throw new Error(`receive: ${count}`);
    return Array.from({ length: count }, (_, i) => this.#received(rxAt(RX, i)));
  }

  #received(at: number): Received {
    const views = this.#views;
    const offset = rxOffset(views, at);
    const path = rxPath(at);
    const family = pathFamily(views, path);
    const size = family === 4 ? 4 : 16;
    const address = (start: number): number[] => [...this.bytes.slice(start, start + size)];
    return {
      bytes: this.bytes.slice(offset, offset + rxLength(views, at)),
      segment: rxSegment(views, at),
      tos: rxTos(views, at),
      family,
      port: pathPort(views, path),
      address: address(pathAddressAt(path)),
      local: address(pathLocalAt(path)),
      interface: pathInterface(views, path),
    };
  }
}

export const LOOPBACK4 = [127, 0, 0, 1];
export const LOOPBACK6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** Bytes that differ from their neighbours, and between starts. */
export function pattern(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (start + i * 7) & 0xff);
}
