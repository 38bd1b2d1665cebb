/**
 * SYN cookies (RFC 4987 §3.6), for when the half-open records of a listener are used up: what would have been kept goes out in the initial
 * sequence number, and, where the peer has timestamps, in the lowest bits of ours, and comes back with the last acknowledgement.
 *
 *   sequence number   5 bits: time   3 bits: maximum segment size   24 bits: keyed hash of all that, addresses and ports
 *   timestamp         … 1 bit: SACK permitted   4 bits: window scale, 15 for none
 */
import type { IpAddress } from "../address.ts";
import type { RandomSource } from "../random.ts";
import { SipHash } from "../siphash.ts";
import type { SynOptions } from "./half-open.ts";

const PERIOD = 64_000;
/** Sizes that are common on paths; the next lower one is taken. */
const SIZES = [216, 536, 1024, 1220, 1300, 1360, 1440, 1460] as const;
const TIMESTAMP_BITS = 5;
const NO_SCALE = 15;

export class SynCookies {
  readonly #hash: SipHash;
  readonly #words = new Int32Array(11);

  constructor(random: RandomSource) {
    this.#hash = new SipHash(random.bytes(16));
  }

  #digest(local: IpAddress, remote: IpAddress, ports: number, irs: number, head: number): number {
    const words = this.#words;
    local.putWords(words, 0);
    remote.putWords(words, 4);
    words[8] = ports;
    words[9] = irs;
    words[10] = head;
    return this.#hash.hash(words, words.length) & 0xffffff;
  }

  /** @returns the initial sequence number */
  make(local: IpAddress, remote: IpAddress, ports: number, irs: number, mss: number, now: number): number {
    let size = 0;
    while (size + 1 < SIZES.length && SIZES[size + 1]! <= mss) size += 1;
    const period = Math.floor(now / PERIOD);
    const head = ((period & 31) << 3) | size;
    return (head << 24) | this.#digest(local, remote, ports, irs, period * 8 + size);
  }

  /** @returns the maximum segment size, or 0: not one of ours, or too old */
  check(local: IpAddress, remote: IpAddress, ports: number, irs: number, iss: number, now: number): number {
    const size = (iss >>> 24) & 7;
    const current = Math.floor(now / PERIOD);
    for (const period of [current, current - 1]) {
      if ((period & 31) !== iss >>> 27) continue;
      if (this.#digest(local, remote, ports, irs, period * 8 + size) === (iss & 0xffffff)) return SIZES[size]!;
    }
    return 0;
  }

  /** Our timestamp for the answer to a SYN: not later than `clock`, with the options in it. */
  timestamp(clock: number, options: SynOptions): number {
    const scale = options.windowScale < 0 ? NO_SCALE : Math.min(options.windowScale, 14);
    const bits = (options.sackPermitted ? 16 : 0) | scale;
    const step = 1 << TIMESTAMP_BITS;
    const base = (clock & ~(step - 1)) | bits;
    return ((base - clock) | 0) > 0 ? (base - step) | 0 : base;
  }

  /** What an echo of `timestamp` brings back. */
  options(echo: number, mss: number): SynOptions {
    const scale = echo & 15;
    return {
      mss,
      windowScale: scale === NO_SCALE ? -1 : scale,
      sackPermitted: (echo & 16) !== 0,
      timestamps: true,
    };
  }
}
