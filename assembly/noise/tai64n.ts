/**
 * TAI64N timestamps (WireGuard paper §5.4.2): 8 bytes of seconds, 4 of nanoseconds, big-endian, so that byte order is
 * time order. The nanoseconds lose their low 24 bits, as the kernel's do: about the spacing of initiations, and
 * too coarse to tell a stranger how the sender's clock or processor behaves.
 */
export const TAI64N_BYTES: u32 = 12;

/** 2^62, which stands for 1970, and the ten seconds that TAI was ahead then. */
const UNIX_EPOCH: u64 = 0x400000000000000a;
const BLUR: u32 = 0x00ffffff;

export class Tai64n {
  /** @param seconds  since 1970, whole */
  static write(dst: usize, seconds: f64, nanoseconds: u32): void {
    store<u64>(dst, bswap<u64>(UNIX_EPOCH + <u64>(<i64>seconds)));
    store<u32>(dst, bswap<u32>(nanoseconds & ~BLUR), 8);
  }

  /** @returns whether `a` is later than `b` */
  static later(a: usize, b: usize): bool {
    const secondsA = bswap<u64>(load<u64>(a));
    const secondsB = bswap<u64>(load<u64>(b));
    if (secondsA !== secondsB) return secondsA > secondsB;
    return bswap<u32>(load<u32>(a, 8)) > bswap<u32>(load<u32>(b, 8));
  }
}
