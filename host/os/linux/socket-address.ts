/** Socket addresses and packet information as Linux has them. */
import type { MemoryViews } from "../../core/core.ts";
import { pathInterface, pathLocalAt, setPathInterface } from "../../core/records/path.ts";
import { SOCKET } from "../../ffi/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO } from "../../ffi/layout.ts";
import { copyWords, type Heads } from "../socket-address.ts";

export const HEADS: Heads = { v4: SOCKET.AF_INET, v6: SOCKET.AF_INET6 };

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
