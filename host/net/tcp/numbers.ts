/** Numbers that nobody may foresee: initial sequence numbers (RFC 6528), local ports (RFC 6056), timestamp offsets (RFC 7323 §5.4). */
import type { Instant } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import type { RandomSource } from "../random.ts";
import { SipHash } from "../siphash.ts";

/** IANA's dynamic range begins later, but systems use these. */
const PORT_FIRST = 32_768;
const PORT_COUNT = 28_232;
/** RFC 6056 §3.3.4: counters that destinations share by a second hash. */
const COUNTERS = 256;
/** RFC 6528: the clock of initial numbers ticks every 4 µs. */
const TICKS = 250;

export class Numbers {
  readonly #sequence: SipHash;
  readonly #port: SipHash;
  readonly #words = new Int32Array(9);
  readonly #counters = new Uint16Array(COUNTERS);

  constructor(random: RandomSource) {
    this.#sequence = new SipHash(random.bytes(16));
    this.#port = new SipHash(random.bytes(16));
    for (let i = 0; i < COUNTERS; i++) this.#counters[i] = random.below(PORT_COUNT);
  }

  #put(local: IpAddress, remote: IpAddress, ports: number): Int32Array {
    const words = this.#words;
    local.putWords(words, 0);
    remote.putWords(words, 4);
    words[8] = ports;
    return words;
  }

  initial(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number, now: Instant): number {
    const hash = this.#sequence.hash(this.#put(local, remote, (remotePort << 16) | localPort), 9);
    return (Math.floor(now * TICKS) + hash) | 0;
  }

  /** The same for a pair of addresses always, so that a port used again continues its clock. */
  timestampOffset(local: IpAddress, remote: IpAddress): number {
    return this.#sequence.hash(this.#put(local, remote, 0), 8);
  }

  /** @param free whether a port can be taken @returns 0 when none can */
  port(local: IpAddress, remote: IpAddress, remotePort: number, free: (port: number) => boolean): number {
    const hash = this.#port.hash(this.#put(local, remote, remotePort), 9);
    const offset = (hash >>> 0) % PORT_COUNT;
    const counter = (this.#port.high >>> 0) % COUNTERS;
    for (let tried = 0; tried < PORT_COUNT; tried++) {
      const port = PORT_FIRST + ((offset + this.#counters[counter]!) % PORT_COUNT);
      this.#counters[counter] = (this.#counters[counter]! + 1) % PORT_COUNT;
      if (free(port)) return port;
    }
    return 0;
  }
}
