/**
 * A path: where a datagram goes to or came from, and the local address it came to, in a form that is no system's own.
 * Memory: PATH_BYTES, 8-byte aligned; a part of the peer, RX and TX records. Addresses are in network order.
 */
import { PATH_ADDRESS, PATH_BYTES, PATH_FAMILY, PATH_INTERFACE, PATH_LOCAL, PATH_PORT, PATH_SCOPE } from "../abi";

@unmanaged
export class Path {
  /** 0 none, 4, 6. */
  family: u16;
  /** Host byte order. */
  port: u16;
  /** IPv6 zone as interface index. */
  scope: u32;
  address0: u64; // 16 bytes; IPv4 in the first four, the rest zero
  address1: u64;
  local0: u64; // 16 bytes: cached source address, same family; all zero when none
  local1: u64;
  /** Interface index of the cached source; 0 when none. */
  device: u32;
  unused: u32;

  @inline static at(address: usize): Path {
    return changetype<Path>(address);
  }

  @inline get bytes(): usize {
    return changetype<usize>(this);
  }

  @inline get address(): usize {
    return changetype<usize>(this) + offsetof<Path>("address0");
  }
}

if (
  offsetof<Path>("family") !== PATH_FAMILY ||
  offsetof<Path>("port") !== PATH_PORT ||
  offsetof<Path>("scope") !== PATH_SCOPE ||
  offsetof<Path>("address0") !== PATH_ADDRESS ||
  offsetof<Path>("local0") !== PATH_LOCAL ||
  offsetof<Path>("device") !== PATH_INTERFACE ||
  offsetof<Path>() !== PATH_BYTES
)
  ERROR("Path is not laid out as abi.ts says");
