/**
 * Many messages of ChaCha20-Poly1305 in one call, each sealed or opened in place, as WireGuard's transport does it:
 * the nonce is four zero bytes and a 64-bit counter, there are no associated data.
 * Memory: `count` descriptors in four arrays (u32 offset into the area, u32 length, u64 counter, u8 outcome), so that JS
 * can fill each through a typed array. Nothing happens before every descriptor was found to lie inside the area.
 */
import { aeadBegin, aeadEnd, aeadOpenNext, aeadSealNext } from "./aead";

const TAG_BYTES: u32 = 16;

class Descriptors {
  /**
   * @param grow  bytes that a message will take beyond its length
   * @param least bytes that a message must have
   * @returns     how many descriptors are good, up to the first that is not
   */
  static check(areaBytes: u32, offsets: usize, lengths: usize, count: u32, grow: u32, least: u32): u32 {
    for (let i: u32 = 0; i < count; i++) {
      const offset = <u64>load<u32>(offsets + ((<usize>i) << 2));
      const length = load<u32>(lengths + ((<usize>i) << 2));
      if (length < least || offset + length + grow > <u64>areaBytes) return i;
    }
    return count;
  }
}

/**
 * Seal: a message of n bytes becomes n + 16, and its length says so.
 * @param key  32 bytes
 * @returns    `count`; less: the number of the first bad descriptor, and nothing was done
 */
export function sealBatch(
  area: usize,
  areaBytes: u32,
  offsets: usize,
  lengths: usize,
  counters: usize,
  count: u32,
  key: usize,
): u32 {
  const good = Descriptors.check(areaBytes, offsets, lengths, count, TAG_BYTES, 0);
  if (good < count) return good;
  aeadBegin(key);
  for (let i: u32 = 0; i < count; i++) {
    const message = area + load<u32>(offsets + ((<usize>i) << 2));
    const length = load<u32>(lengths + ((<usize>i) << 2));
    aeadSealNext(message, message, length, load<u64>(counters + ((<usize>i) << 3)));
    store<u32>(lengths + ((<usize>i) << 2), length + TAG_BYTES);
  }
  aeadEnd();
  return count;
}

/**
 * Open: a genuine message of n bytes becomes n - 16, and its outcome 1. Any other stays as it is, with outcome 0.
 * @returns  as sealBatch
 */
export function openBatch(
  area: usize,
  areaBytes: u32,
  offsets: usize,
  lengths: usize,
  counters: usize,
  outcomes: usize,
  count: u32,
  key: usize,
): u32 {
  const good = Descriptors.check(areaBytes, offsets, lengths, count, 0, TAG_BYTES);
  if (good < count) return good;
  aeadBegin(key);
  for (let i: u32 = 0; i < count; i++) {
    const message = area + load<u32>(offsets + ((<usize>i) << 2));
    const length = load<u32>(lengths + ((<usize>i) << 2)) - TAG_BYTES;
    const genuine = aeadOpenNext(message, message, length, load<u64>(counters + ((<usize>i) << 3)));
    if (genuine) store<u32>(lengths + ((<usize>i) << 2), length);
    store<u8>(outcomes + i, <u8>genuine);
  }
  aeadEnd();
  return count;
}
