/**
 * Work on 0 to 15 bytes without touching a byte more, in at most four steps: 8, 4, 2 and 1 bytes.
 * The branches depend on the length alone, which is public.
 */
export class Partial {
  /** Copy the low four bits of `length` as a count of bytes. */
  @inline static copy(dst: usize, src: usize, length: u32): void {
    if (length & 8) {
      store<u64>(dst, load<u64>(src));
      dst += 8;
      src += 8;
    }
    if (length & 4) {
      store<u32>(dst, load<u32>(src));
      dst += 4;
      src += 4;
    }
    if (length & 2) {
      store<u16>(dst, load<u16>(src));
      dst += 2;
      src += 2;
    }
    if (length & 1) store<u8>(dst, load<u8>(src));
  }

  /** dst = src ^ pad for as many bytes as the low four bits of `length` say; dst may equal src. */
  @inline static xor(dst: usize, src: usize, pad: usize, length: u32): void {
    if (length & 8) {
      store<u64>(dst, load<u64>(src) ^ load<u64>(pad));
      dst += 8;
      src += 8;
      pad += 8;
    }
    if (length & 4) {
      store<u32>(dst, load<u32>(src) ^ load<u32>(pad));
      dst += 4;
      src += 4;
      pad += 4;
    }
    if (length & 2) {
      store<u16>(dst, load<u16>(src) ^ load<u16>(pad));
      dst += 2;
      src += 2;
      pad += 2;
    }
    if (length & 1) store<u8>(dst, load<u8>(src) ^ load<u8>(pad));
  }
}
