/**
 * Paths of assembly/abi.ts to and from the kernel's socket addresses. Both sides lie in linear memory; the words are moved without an object
 * or a BigInt per packet. Beyond their first two bytes systems agree (<netinet/in.h>; RFC 3493 and 4291).
 */
import type { MemoryViews } from "../core/core.ts";
import {
  clearSource,
  pathAddressAt,
  pathFamily,
  pathPort,
  pathScope,
  setPathFamily,
  setPathPort,
  setPathScope,
} from "../core/records/path.ts";

/** The first two bytes of either family's, as one number: Linux has the family there, the BSDs a length, and then the family. */
export interface Heads {
  readonly v4: number;
  readonly v6: number;
}

const V4 = { port: 2, address: 4, BYTES: 16 } as const;
const V6 = { flowInfo: 4, address: 8, scope: 24, BYTES: 28 } as const;

const swap16 = (value: number) => ((value & 0xff) << 8) | (value >>> 8);

/** Copy the remote endpoint of `path` to a sockaddr_in or sockaddr_in6. @returns its length */
export function pathToSocketAddress(views: MemoryViews, path: number, address: number, heads: Heads): number {
  const { halves, words } = views;
  const port = swap16(pathPort(views, path));
  if (pathFamily(views, path) === 4) {
    halves[address >> 1] = heads.v4;
    halves[(address + V4.port) >> 1] = port;
    words[(address + V4.address) >> 2] = words[pathAddressAt(path) >> 2]!;
    words[(address + 8) >> 2] = 0;
    words[(address + 12) >> 2] = 0;
    return V4.BYTES;
  }
  halves[address >> 1] = heads.v6;
  halves[(address + V4.port) >> 1] = port;
  words[(address + V6.flowInfo) >> 2] = 0;
  copyWords(words, address + V6.address, pathAddressAt(path), 4);
  words[(address + V6.scope) >> 2] = pathScope(views, path);
  return V6.BYTES;
}

/** Set the remote endpoint of `path` and clear its local part. @returns false for an unknown family */
export function socketAddressToPath(views: MemoryViews, address: number, path: number, heads: Heads): boolean {
  const { halves, words } = views;
  const family = halves[address >> 1];
  if (family !== heads.v4 && family !== heads.v6) return false;
  setPathPort(views, path, swap16(halves[(address + V4.port) >> 1]!));
  const at = pathAddressAt(path) >> 2;
  if (family === heads.v4) {
    setPathFamily(views, path, 4);
    setPathScope(views, path, 0);
    words[at] = words[(address + V4.address) >> 2]!;
    words[at + 1] = 0;
    words[at + 2] = 0;
    words[at + 3] = 0;
  } else {
    setPathFamily(views, path, 6);
    setPathScope(views, path, words[(address + V6.scope) >> 2]!);
    copyWords(words, pathAddressAt(path), address + V6.address, 4);
  }
  clearSource(views, path);
  return true;
}

export function copyWords(words: Uint32Array, to: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) words[(to >> 2) + i] = words[(from >> 2) + i]!;
}
