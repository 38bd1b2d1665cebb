/**
 * A path (assembly/records/path.ts): where a datagram goes to or came from, and the local address it came to. A function for
 * each field, over views of linear memory, at an address: so the packet path makes no object.
 */
import {
  PATH_ADDRESS,
  PATH_BYTES,
  PATH_FAMILY,
  PATH_INTERFACE,
  PATH_LOCAL,
  PATH_PORT,
  PATH_REMOTE_BYTES,
  PATH_SCOPE,
} from "../../../assembly/abi.ts";
import type { Endpoint } from "../../address/endpoint.ts";
import type { Address, MemoryViews } from "./memory.ts";

export { PATH_BYTES, PATH_REMOTE_BYTES };

/** A copy of a path, to compare others with. */
export class NotedPath {
  readonly #words = new Uint32Array(PATH_BYTES / 4);

  /** None is this one any more. */
  clear(): void {
    this.#words.fill(0);
  }

  note({ words }: MemoryViews, path: Address): void {
    this.#words.set(words.subarray(path >>> 2, (path + PATH_BYTES) >>> 2));
  }

  is({ words }: MemoryViews, path: Address): boolean {
    const at = path >>> 2;
    for (let i = 0; i < PATH_BYTES / 4; i++) if (words[at + i] !== this.#words[i]) return false;
    return true;
  }
}

/** @returns 0 none, 4 or 6 */
export function pathFamily({ halves }: MemoryViews, path: Address): number {
  return halves[(path + PATH_FAMILY) >>> 1]!;
}

/** Host byte order. */
export function pathPort({ halves }: MemoryViews, path: Address): number {
  return halves[(path + PATH_PORT) >>> 1]!;
}

export function pathScope({ words }: MemoryViews, path: Address): number {
  return words[(path + PATH_SCOPE) >>> 2]!;
}

/** Interface of the cached source; 0 for none. */
export function pathInterface({ words }: MemoryViews, path: Address): number {
  return words[(path + PATH_INTERFACE) >>> 2]!;
}

export function setPathFamily({ halves }: MemoryViews, path: Address, family: 4 | 6): void {
  halves[(path + PATH_FAMILY) >>> 1] = family;
}

export function setPathPort({ halves }: MemoryViews, path: Address, port: number): void {
  halves[(path + PATH_PORT) >>> 1] = port;
}

export function setPathScope({ words }: MemoryViews, path: Address, scope: number): void {
  words[(path + PATH_SCOPE) >>> 2] = scope;
}

export function setPathInterface({ words }: MemoryViews, path: Address, index: number): void {
  words[(path + PATH_INTERFACE) >>> 2] = index;
}

/** Where the remote address is: 16 bytes in network order, an IPv4 address in the first four, the rest zero. */
export function pathAddressAt(path: Address): Address {
  return path + PATH_ADDRESS;
}

/** Where the cached source address is: 16 bytes as above, all zero for none. */
export function pathLocalAt(path: Address): Address {
  return path + PATH_LOCAL;
}

/** Whether there is a cached source address or interface. */
export function hasSource({ words }: MemoryViews, path: Address): boolean {
  const at = (path + PATH_LOCAL) >>> 2;
  return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]! | words[(path + PATH_INTERFACE) >>> 2]!) !== 0;
}

export function clearSource({ words }: MemoryViews, path: Address): void {
  const at = (path + PATH_LOCAL) >>> 2;
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = 0;
  words[at + 3] = 0;
  words[(path + PATH_INTERFACE) >>> 2] = 0;
}

/** The remote part as an object; undefined while there is none. */
export function readEndpoint(views: MemoryViews, path: Address): Endpoint | undefined {
  const family = pathFamily(views, path);
  if (family === 0) return undefined;
  const start = path + PATH_ADDRESS;
  return {
    address: Uint8Array.from(views.bytes.subarray(start, start + (family === 4 ? 4 : 16))),
    port: pathPort(views, path),
    scope: pathScope(views, path),
  };
}

/** Write the remote part; the cached source is cleared. */
export function writeEndpoint(views: MemoryViews, path: Address, endpoint: Endpoint): void {
  views.bytes.fill(0, path, path + PATH_BYTES);
  setPathFamily(views, path, endpoint.address.length === 4 ? 4 : 6);
  setPathPort(views, path, endpoint.port);
  setPathScope(views, path, endpoint.scope);
  views.bytes.set(endpoint.address, path + PATH_ADDRESS);
}
