/**
 * Paths of assembly/abi.ts to and from the kernel's socket addresses and packet information.
 * Both sides lie in linear memory; the words are moved without an object or a BigInt per packet.
 */
import { PATH_ADDRESS, PATH_FAMILY, PATH_INTERFACE, PATH_LOCAL, PATH_PORT, PATH_SCOPE } from "../../../assembly/abi.ts";
import { SOCKET } from "../../ffi/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO, SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/layout.ts";

/** Views over the whole of linear memory, which must not grow any more. All offsets are 4-byte aligned. */
export interface MemoryViews {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
}

export function viewsOf(memory: WebAssembly.Memory): MemoryViews {
  const { buffer } = memory;
  return { bytes: new Uint8Array(buffer), halves: new Uint16Array(buffer), words: new Uint32Array(buffer) };
}

const swap16 = (value: number) => ((value & 0xff) << 8) | (value >>> 8);

/** Copy the remote endpoint of `path` to a sockaddr_in or sockaddr_in6. @returns its length */
export function pathToSocketAddress({ halves, words }: MemoryViews, path: number, address: number): number {
  const port = swap16(halves[(path + PATH_PORT) >> 1]!);
  if (halves[(path + PATH_FAMILY) >> 1] === 4) {
    halves[(address + SOCKADDR_IN.family) >> 1] = SOCKET.AF_INET;
    halves[(address + SOCKADDR_IN.port) >> 1] = port;
    words[(address + SOCKADDR_IN.address) >> 2] = words[(path + PATH_ADDRESS) >> 2]!;
    words[(address + 8) >> 2] = 0;
    words[(address + 12) >> 2] = 0;
    return SOCKADDR_IN.BYTES;
  }
  halves[(address + SOCKADDR_IN6.family) >> 1] = SOCKET.AF_INET6;
  halves[(address + SOCKADDR_IN6.port) >> 1] = port;
  words[(address + SOCKADDR_IN6.flowInfo) >> 2] = 0;
  copyWords(words, address + SOCKADDR_IN6.address, path + PATH_ADDRESS, 4);
  words[(address + SOCKADDR_IN6.scope) >> 2] = words[(path + PATH_SCOPE) >> 2]!;
  return SOCKADDR_IN6.BYTES;
}

/** Set the remote endpoint of `path` and clear its local part. @returns false for an unknown family */
export function socketAddressToPath({ halves, words }: MemoryViews, address: number, path: number): boolean {
  const family = halves[address >> 1];
  if (family !== SOCKET.AF_INET && family !== SOCKET.AF_INET6) return false;
  halves[(path + PATH_PORT) >> 1] = swap16(halves[(address + SOCKADDR_IN.port) >> 1]!);
  const at = (path + PATH_ADDRESS) >> 2;
  if (family === SOCKET.AF_INET) {
    halves[(path + PATH_FAMILY) >> 1] = 4;
    words[(path + PATH_SCOPE) >> 2] = 0;
    words[at] = words[(address + SOCKADDR_IN.address) >> 2]!;
    words[at + 1] = 0;
    words[at + 2] = 0;
    words[at + 3] = 0;
  } else {
    halves[(path + PATH_FAMILY) >> 1] = 6;
    words[(path + PATH_SCOPE) >> 2] = words[(address + SOCKADDR_IN6.scope) >> 2]!;
    copyWords(words, path + PATH_ADDRESS, address + SOCKADDR_IN6.address, 4);
  }
  clearSource(words, path);
  return true;
}

/** Whether the path has a cached source address or interface. */
export function hasSource(words: Uint32Array, path: number): boolean {
  const at = (path + PATH_LOCAL) >> 2;
  return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]! | words[(path + PATH_INTERFACE) >> 2]!) !== 0;
}

export function clearSource(words: Uint32Array, path: number): void {
  const at = (path + PATH_LOCAL) >> 2;
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = 0;
  words[at + 3] = 0;
  words[(path + PATH_INTERFACE) >> 2] = 0;
}

/** Where the datagram came in, from the data of an IP_PKTINFO or IPV6_PKTINFO message. */
export function packetInfoToSource(words: Uint32Array, info: number, family: 4 | 6, path: number): void {
  if (family === 4) {
    words[(path + PATH_LOCAL) >> 2] = words[(info + IN_PKTINFO.local) >> 2]!;
    words[(path + PATH_INTERFACE) >> 2] = words[(info + IN_PKTINFO.interface) >> 2]!;
  } else {
    copyWords(words, path + PATH_LOCAL, info + IN6_PKTINFO.address, 4);
    words[(path + PATH_INTERFACE) >> 2] = words[(info + IN6_PKTINFO.interface) >> 2]!;
  }
}

/** The reverse, for sending. @returns length of the struct */
export function sourceToPacketInfo(words: Uint32Array, path: number, family: 4 | 6, info: number): number {
  if (family === 4) {
    words[(info + IN_PKTINFO.interface) >> 2] = words[(path + PATH_INTERFACE) >> 2]!;
    words[(info + IN_PKTINFO.local) >> 2] = words[(path + PATH_LOCAL) >> 2]!;
    words[(info + IN_PKTINFO.destination) >> 2] = 0;
    return IN_PKTINFO.BYTES;
  }
  copyWords(words, info + IN6_PKTINFO.address, path + PATH_LOCAL, 4);
  words[(info + IN6_PKTINFO.interface) >> 2] = words[(path + PATH_INTERFACE) >> 2]!;
  return IN6_PKTINFO.BYTES;
}

function copyWords(words: Uint32Array, to: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) words[(to >> 2) + i] = words[(from >> 2) + i]!;
}
