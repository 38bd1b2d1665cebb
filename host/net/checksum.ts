/**
 * The Internet checksum (RFC 1071). Sums are of 16-bit words in network order, not folded, and may be added up. Every sum over
 * less than 64 MiB stays an exact Number.
 */

/** Sum of the 16-bit words from `start` to `end`; an odd byte at the end counts as the high half of a word. */
export function sum(view: DataView, start: number, end: number): number {
  let total = 0;
  let at = start;
  // 32 bits at a time: 2^16 is 1 modulo 65535, so the halves fold together at the end.
  for (const stop = end - 15; at < stop; at += 16) {
    total += view.getUint32(at) + view.getUint32(at + 4) + view.getUint32(at + 8) + view.getUint32(at + 12);
  }
  for (const stop = end - 1; at < stop; at += 2) total += view.getUint16(at);
  if (at < end) total += view.getUint8(at) << 8;
  return total;
}

/** Fold to 16 bits. */
export function fold(total: number): number {
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

/** What goes into a checksum field. */
export function complement(total: number): number {
  return ~fold(total) & 0xffff;
}
