/**
 * Paths of assembly/abi.ts to and from the kernel's socket addresses and packet information.
 * Both sides lie in linear memory; the words are moved without an object or a BigInt per packet.
 */
import type { MemoryViews } from "../../core/core.ts";
import {
  clearSource,
  pathAddressAt,
  pathFamily,
  pathInterface,
  pathLocalAt,
  pathPort,
  pathScope,
  setPathFamily,
  setPathInterface,
  setPathPort,
  setPathScope,
} from "../../core/records/path.ts";
import { SOCKET } from "../../ffi/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO, SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/layout.ts";

const swap16 = (value: number) => ((value & 0xff) << 8) | (value >>> 8);

/** Copy the remote endpoint of `path` to a sockaddr_in or sockaddr_in6. @returns its length */
export function pathToSocketAddress(views: MemoryViews, path: number, address: number): number {
  const { halves, words } = views;
  const port = swap16(pathPort(views, path));
  if (pathFamily(views, path) === 4) {
    halves[(address + SOCKADDR_IN.family) >> 1] = SOCKET.AF_INET;
    halves[(address + SOCKADDR_IN.port) >> 1] = port;
    words[(address + SOCKADDR_IN.address) >> 2] = words[pathAddressAt(path) >> 2]!;
    words[(address + 8) >> 2] = 0;
    words[(address + 12) >> 2] = 0;
    return SOCKADDR_IN.BYTES;
  }
  halves[(address + SOCKADDR_IN6.family) >> 1] = SOCKET.AF_INET6;
  halves[(address + SOCKADDR_IN6.port) >> 1] = port;
  words[(address + SOCKADDR_IN6.flowInfo) >> 2] = 0;
  copyWords(words, address + SOCKADDR_IN6.address, pathAddressAt(path), 4);
  words[(address + SOCKADDR_IN6.scope) >> 2] = pathScope(views, path);
  return SOCKADDR_IN6.BYTES;
}

/** Set the remote endpoint of `path` and clear its local part. @returns false for an unknown family */
export function socketAddressToPath(views: MemoryViews, address: number, path: number): boolean {
  const { halves, words } = views;
  const family = halves[address >> 1];
  if (family !== SOCKET.AF_INET && family !== SOCKET.AF_INET6) return false;
  setPathPort(views, path, swap16(halves[(address + SOCKADDR_IN.port) >> 1]!));
  const at = pathAddressAt(path) >> 2;
  if (family === SOCKET.AF_INET) {
    setPathFamily(views, path, 4);
    setPathScope(views, path, 0);
    words[at] = words[(address + SOCKADDR_IN.address) >> 2]!;
    words[at + 1] = 0;
    words[at + 2] = 0;
    words[at + 3] = 0;
  } else {
    setPathFamily(views, path, 6);
    setPathScope(views, path, words[(address + SOCKADDR_IN6.scope) >> 2]!);
    copyWords(words, pathAddressAt(path), address + SOCKADDR_IN6.address, 4);
  }
  clearSource(views, path);
  return true;
}

/** Where the datagram came in, from the data of an IP_PKTINFO or IPV6_PKTINFO message. */
export function packetInfoToSource(views: MemoryViews, info: number, family: 4 | 6, path: number): void {
  const { words } = views;
  if (family === 4) {
    words[pathLocalAt(path) >> 2] = words[(info + IN_PKTINFO.local) >> 2]!;
    setPathInterface(views, path, words[(info + IN_PKTINFO.interface) >> 2]!);
  } else {
    copyWords(words, pathLocalAt(path), info + IN6_PKTINFO.address, 4);
    setPathInterface(views, path, words[(info + IN6_PKTINFO.interface) >> 2]!);
  }
}

/** The reverse, for sending. @returns length of the struct */
export function sourceToPacketInfo(views: MemoryViews, path: number, family: 4 | 6, info: number): number {
  const { words } = views;
  if (family === 4) {
    words[(info + IN_PKTINFO.interface) >> 2] = pathInterface(views, path);
    words[(info + IN_PKTINFO.local) >> 2] = words[pathLocalAt(path) >> 2]!;
    words[(info + IN_PKTINFO.destination) >> 2] = 0;
    return IN_PKTINFO.BYTES;
  }
  copyWords(words, info + IN6_PKTINFO.address, pathLocalAt(path), 4);
  words[(info + IN6_PKTINFO.interface) >> 2] = pathInterface(views, path);
  return IN6_PKTINFO.BYTES;
}

function copyWords(words: Uint32Array, to: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) words[(to >> 2) + i] = words[(from >> 2) + i]!;
}
