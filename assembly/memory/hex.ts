/**
 * Hexadecimal coding of keys, inside linear memory and in constant time: no branch and no address
 * depends on a digit. Only whether the text was hexadecimal at all is learnt by the caller.
 * Memory: `src` and `dst` belong to the caller, any alignment. Decoding may go in place (dst = src).
 */

@unmanaged
class Hex {
  /** @returns the value 0–15 of an ASCII hex digit of either case, or −1 */
  // @ts-expect-error: decorator
  @inline static value(char: i32): i32 {
    const digit = ((char - 58) & (47 - char)) >> 31; // all ones for 0–9
    const lower = char | 32;
    const letter = ((lower - 103) & (96 - lower)) >> 31; // all ones for a–f and A–F
    return (digit & (char - 48)) | (letter & (lower - 87)) | ~(digit | letter);
  }

  /** @returns the ASCII digit, lower case, of a value 0–15 */
  // @ts-expect-error: decorator
  @inline static digit(value: i32): i32 {
    return value + 48 + (((9 - value) >> 31) & 39);
  }
}

/**
 * Decode `2 × bytes` digits at `src` to `bytes` bytes at `dst`.
 * @returns false, and zeros at `dst`, if any of them is not a hex digit
 */
export function hexDecode(dst: usize, src: usize, bytes: u32): bool {
  let bad = 0;
  for (let i: u32 = 0; i < bytes; i++) {
    const high = Hex.value(load<u8>(src + 2 * i));
    const low = Hex.value(load<u8>(src + 2 * i + 1));
    bad |= high | low; // negative as soon as one of them is −1
    store<u8>(dst + i, (high << 4) | low);
  }
  if (bad < 0) memory.fill(dst, 0, bytes);
  return bad >= 0;
}

/** Encode `bytes` bytes at `src` as `2 × bytes` lower-case digits at `dst`. The two must not overlap. */
export function hexEncode(dst: usize, src: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte: i32 = load<u8>(src + i);
    store<u8>(dst + 2 * i, Hex.digit(byte >> 4));
    store<u8>(dst + 2 * i + 1, Hex.digit(byte & 15));
  }
}
