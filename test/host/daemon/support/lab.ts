/** Linear memory as the I/O tests lay it out, and descriptors written and read as plain objects. */
import {
  MESSAGE_BYTES_MAX,
  PATH_ADDRESS,
  PATH_FAMILY,
  PATH_INTERFACE,
  PATH_LOCAL,
  PATH_PORT,
  RX_BYTES,
  RX_LENGTH,
  RX_OFFSET,
  RX_PATH,
  RX_SEGMENT,
  RX_TOS,
  TX_BYTES,
  TX_LENGTH,
  TX_OFFSET,
  TX_PATH,
  TX_PEER,
  TX_SEGMENT,
  TX_TOS,
} from "../../../../assembly/abi.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { LinuxUdp, type UdpArea, type UdpOptions, udpBytes } from "../../../../host/os/linux/udp.ts";

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
  #endpoints = 0;

  static async open(): Promise<Lab> {
    const pages = (ENDPOINTS + 4 * ENDPOINT_BYTES) / 65536;
    return new Lab(await openLibc(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })));
  }

  constructor(libc: Libc) {
    this.libc = libc;
    this.bytes = new Uint8Array(libc.memory.buffer);
    this.view = new DataView(libc.memory.buffer);
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
      const at = TX + i * TX_BYTES;
      const { view } = this;
      this.bytes.fill(0, at, at + TX_BYTES);
      this.bytes.set(message.bytes, data);
      view.setUint32(at + TX_OFFSET, data, true);
      view.setUint32(at + TX_LENGTH, message.bytes.length, true);
      view.setUint32(at + TX_SEGMENT, message.segment ?? message.bytes.length, true);
      view.setUint32(at + TX_TOS, message.tos ?? 0, true);
      view.setUint32(at + TX_PEER, message.peer ?? 0, true);
      const path = at + TX_PATH;
      view.setUint16(path + PATH_FAMILY, message.to.family, true);
      view.setUint16(path + PATH_PORT, message.to.port, true);
      this.bytes.set(message.to.address, path + PATH_ADDRESS);
      this.bytes.set(message.source?.address ?? [], path + PATH_LOCAL);
      view.setUint32(path + PATH_INTERFACE, message.source?.interface ?? 0, true);
      data += message.bytes.length;
    });
    return [TX, messages.length];
  }

  /** The cached source in send descriptor i. */
  source(i: number): { address: number[]; interface: number } {
    const path = TX + i * TX_BYTES + TX_PATH;
    const address = [...this.bytes.slice(path + PATH_LOCAL, path + PATH_LOCAL + 16)];
    return { address, interface: this.view.getUint32(path + PATH_INTERFACE, true) };
  }

  /** Receive once, waiting up to a second for the first message. */
  receive(udp: LinuxUdp, family: 4 | 6): Received[] {
    const deadline = performance.now() + 1000;
    let count = 0;
    while (count === 0 && performance.now() < deadline) count = udp.receive(family, RX);
    if (count < 0) throw new Error(`receive: ${count}`);
    return Array.from({ length: count }, (_, i) => this.#received(RX + i * RX_BYTES));
  }

  #received(at: number): Received {
    const { view } = this;
    const offset = view.getUint32(at + RX_OFFSET, true);
    const path = at + RX_PATH;
    const family = view.getUint16(path + PATH_FAMILY, true);
    const size = family === 4 ? 4 : 16;
    return {
      bytes: this.bytes.slice(offset, offset + view.getUint32(at + RX_LENGTH, true)),
      segment: view.getUint32(at + RX_SEGMENT, true),
      tos: view.getUint32(at + RX_TOS, true),
      family,
      port: view.getUint16(path + PATH_PORT, true),
      address: [...this.bytes.slice(path + PATH_ADDRESS, path + PATH_ADDRESS + size)],
      local: [...this.bytes.slice(path + PATH_LOCAL, path + PATH_LOCAL + size)],
      interface: view.getUint32(path + PATH_INTERFACE, true),
    };
  }
}

export const LOOPBACK4 = [127, 0, 0, 1];
export const LOOPBACK6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** Bytes that differ from their neighbours, and between starts. */
export function pattern(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (start + i * 7) & 0xff);
}
