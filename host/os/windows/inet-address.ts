/** Addresses in a SOCKADDR_INET of the scratch buffer, which IP Helper takes and gives: IPv4 or IPv6, without a port. */

import type { Scratch } from "../../ffi/scratch.ts";
import { SOCKET } from "../../ffi/windows/constants.ts";
import { SOCKADDR_IN, SOCKADDR_INET } from "../../ffi/windows/layout.ts";

export type Family = 4 | 6;

export function systemFamily(family: Family): number {
  return family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
}

export function familyOf(address: Uint8Array): Family {
  return address.length === 4 ? 4 : 6;
}

/** @param address 4 or 16 bytes @param scope of a link-local address; 0 for none */
export function writeInetAddress({ bytes, view }: Scratch, position: number, address: Uint8Array, scope = 0): void {
  const family = familyOf(address);
  bytes.fill(0, position, position + SOCKADDR_INET.BYTES);
  view.setUint16(position + SOCKADDR_IN.family, systemFamily(family), true);
  bytes.set(address, position + (family === 4 ? SOCKADDR_INET.v4 : SOCKADDR_INET.v6));
  if (family === 6) view.setUint32(position + SOCKADDR_INET.scope, scope, true);
}

/** @returns a copy of 4 or 16 bytes; undefined for another family */
export function readInetAddress({ bytes, view }: Scratch, position: number): Uint8Array | undefined {
  const family = view.getUint16(position + SOCKADDR_IN.family, true);
  if (family === SOCKET.AF_INET) return bytes.slice(position + SOCKADDR_INET.v4, position + SOCKADDR_INET.v4 + 4);
  if (family === SOCKET.AF_INET6) return bytes.slice(position + SOCKADDR_INET.v6, position + SOCKADDR_INET.v6 + 16);
  return undefined;
}
