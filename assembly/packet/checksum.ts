/**
 * The Internet checksum (RFC 1071, RFC 1624).
 * Sums are taken over little-endian 16-bit words: the result has its bytes swapped, so it is stored as it is.
 * A sum is an unfolded u64 that may be added to others, as long as each part starts at an even offset of the
 * whole. Any alignment; up to 512 KiB at a time.
 */
import { IPV4_SOURCE, IPV6_SOURCE } from "./ip";

/** Rounds of 64 bytes after which a lane of `sum` may be full. */
const ROUNDS: u32 = 127;

/**
 * Ones'-complement sum of `length` bytes; an odd last byte is padded with zero.
 * A round takes four words of each lane, whose mean m is rounded up at each step: 4m − 4 ≤ their sum ≤ 4m. `high` counts m >> 7, that is how
 * often they hold 512, and `low` sums them modulo 2^16. What `high` leaves is −4 to 508 a round: with 4 a round put in first, it is never
 * negative and below 2^16, so low − 512 · high is all of it.
 */
export function sum(src: usize, length: u32): u64 {
  let pairs = i32x4.splat(0);
  let at = src;
  const end64 = src + (length & ~63);
  while (at < end64) {
    const end = min(end64, at + 64 * ROUNDS);
    const slack = <u32>(end - at) >> 4; // 4 a round
    let low = i16x8.splat(<i16>slack);
    let high = i16x8.splat(0);
    while (at < end) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      const c = v128.load(at, 32);
      const d = v128.load(at, 48);
      low = i16x8.add(low, i16x8.add(i16x8.add(a, b), i16x8.add(c, d)));
      const quarter = i16x8.avgr_u(i16x8.avgr_u(a, b), i16x8.avgr_u(c, d));
      high = i16x8.add(high, i16x8.shr_u(quarter, 7));
      at += 64;
    }
    low = i16x8.sub(low, i16x8.shl(high, 9));
    pairs = i32x4.add(pairs, i32x4.shl(i32x4.extadd_pairwise_i16x8_u(high), 9));
    pairs = i32x4.add(pairs, i32x4.sub(i32x4.extadd_pairwise_i16x8_u(low), i32x4.splat(2 * slack)));
  }
  const end16 = src + (length & ~15);
  while (at < end16) {
    pairs = i32x4.add(pairs, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
    at += 16;
  }
  const both = i64x2.add(i64x2.extend_low_i32x4_u(pairs), i64x2.extend_high_i32x4_u(pairs));
  return i64x2.extract_lane(both, 0) + i64x2.extract_lane(both, 1) + tail(at, length & 15);
}

/** Copy `length` bytes and return their sum. The areas must not overlap. */
export function copyAndSum(dst: usize, src: usize, length: u32): u64 {
  let both = i32x4.splat(0);
  let high = i32x4.splat(0);
  let at = src;
  let to = dst;
  const end64 = src + (length & ~63);
  while (at < end64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    both = i32x4.add(both, i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
    const ab = i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16));
    const cd = i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16));
    high = i32x4.add(high, i32x4.add(ab, cd));
    at += 64;
    to += 64;
  }
  const end16 = src + (length & ~15);
  while (at < end16) {
    const a = v128.load(at);
    v128.store(to, a);
    both = i32x4.add(both, a);
    high = i32x4.add(high, i32x4.shr_u(a, 16));
    at += 16;
    to += 16;
  }
  copyTail(to, at, length & 15);
  return lanes(both, high) + tail(at, length & 15);
}

/** Low and high words of all lanes together. */
function lanes(both: v128, high: v128): u64 {
  const low = i32x4.sub(both, i32x4.shl(high, 16));
  const lows = i64x2.add(i64x2.extend_low_i32x4_u(low), i64x2.extend_high_i32x4_u(low));
  const highs = i64x2.add(i64x2.extend_low_i32x4_u(high), i64x2.extend_high_i32x4_u(high));
  const total = i64x2.add(lows, highs);
  return i64x2.extract_lane(total, 0) + i64x2.extract_lane(total, 1);
}

/** Sum of fewer than 16 bytes. */
function tail(at: usize, length: u32): u64 {
  let total: u64 = 0;
  if (length & 8) {
    const eight = load<u64>(at);
    total = (eight & 0xffffffff) + (eight >> 32);
    at += 8;
  }
  if (length & 4) {
    total += load<u32>(at);
    at += 4;
  }
  if (length & 2) {
    total += load<u16>(at);
    at += 2;
  }
  if (length & 1) total += load<u8>(at);
  return total;
}

function copyTail(to: usize, at: usize, length: u32): void {
  if (length & 8) {
    store<u64>(to, load<u64>(at));
    at += 8;
    to += 8;
  }
  if (length & 4) {
    store<u32>(to, load<u32>(at));
    at += 4;
    to += 4;
  }
  if (length & 2) {
    store<u16>(to, load<u16>(at));
    at += 2;
    to += 2;
  }
  if (length & 1) store<u8>(to, load<u8>(at));
}

/** Fold a sum to 16 bits. The sum of a region that includes a right checksum folds to 0xffff. */
export function fold(total: u64): u32 {
  total = (total & 0xffffffff) + (total >> 32);
  total = (total & 0xffffffff) + (total >> 32);
  let half = <u32>((total & 0xffff) + (total >> 16));
  half = (half & 0xffff) + (half >> 16);
  return (half & 0xffff) + (half >> 16);
}

/** The checksum of a sum: its complement, as it is stored in a header. */
export function complement(total: u64): u32 {
  return fold(total) ^ 0xffff;
}

/** As `complement`, but never 0, which in UDP means that there is no checksum (RFC 768). */
export function complementNonZero(total: u64): u32 {
  const value = complement(total);
  return value ? value : 0xffff;
}

/** Sum of an IPv4 header without options: right when it folds to 0xffff. */
export function ipv4HeaderSum(packet: usize): u64 {
  const first = load<u64>(packet);
  const second = load<u64>(packet, 8);
  return (first & 0xffffffff) + (first >> 32) + (second & 0xffffffff) + (second >> 32) + load<u32>(packet, 16);
}

/** Sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) with the addresses of `packet`, whose header is whole. */
export function pseudoHeader(packet: usize, protocol: u32, length: u32): u64 {
  const addresses = addressesAt(packet);
  return lengthAndProtocol(protocol, length) + sum(packet + addresses, addresses === <u32>IPV4_SOURCE ? 8 : 32);
}

/**
 * Sum of the pseudo-header and of all that follows the IP header, in a packet of `length` bytes without options or extensions: its
 * addresses lie right before its transport header, at `transport`.
 */
export function transportSum(packet: usize, protocol: u32, transport: u32, length: u32): u64 {
  const addresses = addressesAt(packet);
  return lengthAndProtocol(protocol, length - transport) + sum(packet + addresses, length - addresses);
}

function addressesAt(packet: usize): u32 {
  return load<u8>(packet) >> 4 === 4 ? <u32>IPV4_SOURCE : <u32>IPV6_SOURCE;
}

/** 24 bits of length are more than a packet has; protocol is the last byte of its word. */
function lengthAndProtocol(protocol: u32, length: u32): u64 {
  return <u64>bswap<u32>(length) + ((<u64>protocol) << 8);
}
