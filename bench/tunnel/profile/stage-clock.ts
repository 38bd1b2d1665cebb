/**
 * CPU time of the calling thread, divided among stages: at every boundary what passed since the last one goes to the stage
 * that was running. Time spent waiting for a core or for packets does not count, so a busy machine does little harm.
 * Each reading is a system call; its price is measured first and taken off again. Node only (node:ffi).
 */
import * as ffi from "node:ffi";

const CLOCK_THREAD_CPUTIME_ID = 3; // <linux/time.h>
const NS_PER_SECOND = 1_000_000_000;
const CALIBRATION_READS = 20_000;

/** The last two are for the AEAD by itself, which runs now and then only to be compared with. */
export const STAGES = [
  "read",
  "splitAndSeal",
  "send",
  "wait",
  "receive",
  "openAndMerge",
  "write",
  "host",
  "sealAlone",
  "openAlone",
  "probe",
] as const;
export type Stage = (typeof STAGES)[number];

export interface StageTimes {
  /** Nanoseconds of CPU, the clock's own taken off. */
  readonly ns: Readonly<Record<Stage, number>>;
  readonly calls: Readonly<Record<Stage, number>>;
}

function makeClock(): () => number {
  const library = new ffi.DynamicLibrary("libc.so.6");
  const clockGettime = library.getFunction("clock_gettime", { arguments: ["i32", "pointer"], return: "i32" });
  const time = new BigInt64Array(2); // struct timespec of 64-bit machines
  const words = new Int32Array(time.buffer);
  const address = ffi.getRawPointer(new Uint8Array(time.buffer));
  return () => {
    clockGettime(CLOCK_THREAD_CPUTIME_ID, address);
    return words[0]! * NS_PER_SECOND + words[2]!;
  };
}

export class StageClock {
  /** What one reading costs. */
  readonly readingNs: number;
  readonly #clock = makeClock();
  readonly #ns = new Float64Array(STAGES.length);
  readonly #calls = new Float64Array(STAGES.length);
  #current: number = STAGES.indexOf("host");
  #last: number;

  constructor() {
    for (let i = 0; i < CALIBRATION_READS; i++) this.#clock(); // until it is compiled
    const start = this.#clock();
    for (let i = 0; i < CALIBRATION_READS; i++) this.#clock();
    this.#last = this.#clock();
    this.readingNs = (this.#last - start) / CALIBRATION_READS;
  }

  /** The same function, its time credited to `stage`. Within another timed one, that one's time stands still. */
  timed<A extends number[], R>(stage: Stage, call: (...args: A) => R): (...args: A) => R {
    const index = STAGES.indexOf(stage);
    return (...args) => {
      const outer = this.#current;
      this.#turnTo(index);
      const result = call(...args);
      this.#turnTo(outer);
      this.#calls[index]! += 1;
      return result;
    };
  }

  #turnTo(stage: number): void {
    const now = this.#clock();
    this.#ns[this.#current]! += now - this.#last;
    this.#last = now;
    this.#current = stage;
  }

  /** What came together since the last call, or the beginning. */
  take(): StageTimes {
    this.#turnTo(this.#current);
    const host = STAGES.indexOf("host");
    const allCalls = this.#calls.reduce((sum, calls) => sum + calls, 0);
    // Each call has a reading at both ends: half of each falls inside, the other halves on the host.
    const net = (i: number) => Math.max(0, this.#ns[i]! - this.readingNs * (i === host ? allCalls : this.#calls[i]!));
    const record = (value: (i: number) => number) =>
      Object.fromEntries(STAGES.map((stage, i) => [stage, value(i)])) as Record<Stage, number>;
    const times = { ns: record(net), calls: record((i) => this.#calls[i]!) };
    this.#ns.fill(0);
    this.#calls.fill(0);
    return times;
  }
}
