/** Makes checksums right again after a mutation, so that it reaches what is behind them. */
import { fixChecksums, parse, view } from "../reference/packets.ts";

/** With right checksums where it is a packet that far. */
export function sealed(packet: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(packet);
  try {
    fixChecksums(copy, parse(copy));
  } catch {
    // No packet: as it is.
  }
  if (copy.length >= 20 && copy[0]! >> 4 === 4) fixHeader(copy);
  return copy;
}

function fixHeader(packet: Uint8Array): void {
  const length = (packet[0]! & 15) * 4;
  if (length < 20 || length > packet.length) return;
  let sum = 0;
  view(packet).setUint16(10, 0);
  for (let at = 0; at < length; at += 2) sum += view(packet).getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view(packet).setUint16(10, ~sum);
}
