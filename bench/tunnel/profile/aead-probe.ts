/**
 * The AEAD by itself, now and then between the tunnel's own calls: the same code over packets of 1420 bytes, in the same process
 * and moment. With it the time of a core call can be divided into cryptography and the rest.
 */
import { AeadBatch } from "../../../host/crypto/index.ts";
import type { StageClock } from "./stage-clock.ts";

const PACKET_BYTES = 1420;
const TAG_BYTES = 16;
const STRIDE = PACKET_BYTES + TAG_BYTES;
/** As many as a train has. */
const PACKETS = 45;
/** Bytes through the TUN device between two probes: they take a tenth of the time or so. */
const INTERVAL_BYTES = 2 << 20;
/** Probes before any traffic, until everything is compiled for good. */
const WARM_UP = 50;

export class AeadProbe {
  readonly #batch = new AeadBatch(PACKETS, PACKETS * STRIDE);
  readonly #probe: () => void;
  #passed = 0;
  #packets = 0;

  constructor(clock: StageClock) {
    const key = new Uint8Array(32).fill(7);
    const seal = clock.timed("sealAlone", () => this.#batch.seal(key, PACKETS));
    const open = clock.timed("openAlone", () => this.#batch.open(key, PACKETS));
    this.#probe = clock.timed("probe", () => {
      // Once for nothing: in the tunnel too the bytes have just been copied, and the code has just run.
      this.#describe();
      this.#batch.seal(key, PACKETS);
      this.#describe();
      seal();
      open();
    });
    for (let i = 0; i < WARM_UP; i++) this.#probe();
    clock.take();
  }

  #describe(): void {
    const { offsets, lengths, counters } = this.#batch;
    for (let i = 0; i < PACKETS; i++) {
      offsets[i] = i * STRIDE;
      lengths[i] = PACKET_BYTES;
      counters[i] = BigInt(i);
    }
  }

  /** So much went through the TUN device; a negative number is an error and no traffic. */
  passed(bytes: number): void {
    this.#passed += Math.max(0, bytes);
    if (this.#passed < INTERVAL_BYTES) return;
    this.#passed = 0;
    this.#packets += PACKETS;
    this.#probe();
  }

  /** Packets since the last call, or the beginning. */
  take(): number {
    const packets = this.#packets;
    this.#packets = 0;
    return packets;
  }
}
