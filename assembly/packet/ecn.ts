/**
 * Explicit congestion notification through the tunnel (RFC 6040, normal mode, but for one case).
 * The outer field starts as a copy of the inner one; a mark that the outer one took on the way is carried in again.
 * What knows no ECN is delivered whatever the outer field says, as the kernel does: some networks write the whole TOS byte.
 * DSCP stays as it is, inside and outside.
 */
import { complement } from "./checksum";
import { IPV4_CHECKSUM, IPV4_TOS } from "./ip";

const NOT_ECT: u32 = 0;
const ECT_1: u32 = 1;
const ECT_0: u32 = 2;
const CE: u32 = 3;
const ECN_MASK: u32 = 3;

/** ECN field of a packet of IP version `kind`: also the ECN field of the datagram that will carry it. */
export function ecnOf(packet: usize, kind: u32): u32 {
  if (kind === 4) return load<u8>(packet, IPV4_TOS) & ECN_MASK;
  return (load<u8>(packet, 1) >> 4) & ECN_MASK;
}

/** Combine the ECN field of the datagram that came, in `outerTos`, with that of the packet it carried. */
export function decapsulate(packet: usize, kind: u32, outerTos: u32): void {
  const outer = outerTos & ECN_MASK;
  const inner = ecnOf(packet, kind);
  if (inner === NOT_ECT) return;
  if (outer === CE && inner !== CE) setEcn(packet, kind, CE);
  else if (outer === ECT_1 && inner === ECT_0) setEcn(packet, kind, ECT_1);
}

function setEcn(packet: usize, kind: u32, ecn: u32): void {
  if (kind === 6) {
    store<u8>(packet, <u8>((load<u8>(packet, 1) & 0xcf) | (ecn << 4)), 1);
    return;
  }
  // RFC 1624: HC' = ~(~HC + ~m + m'), over the word of version, header length and TOS
  const before = <u32>load<u16>(packet);
  store<u8>(packet, <u8>((load<u8>(packet, IPV4_TOS) & ~ECN_MASK) | ecn), IPV4_TOS);
  const after = <u32>load<u16>(packet);
  const checksum = <u32>load<u16>(packet, IPV4_CHECKSUM);
  store<u16>(packet, <u16>complement((checksum ^ 0xffff) + (before ^ 0xffff) + after), IPV4_CHECKSUM);
}
