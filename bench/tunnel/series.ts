/**
 * The comparison itself: in every repetition each program gets a fresh pair of daemons and runs all tests, one program
 * after the other (A B C A B C …), so that what else the machine does hits all alike.
 */
import { Bed } from "./bed.ts";
import { cpuTime, difference, lossCounters, machineTime, memory } from "./counters.ts";
import type { Program } from "./programs.ts";
import type { Measurement, Test } from "./results.ts";
import { run, type TrafficOptions, warmUp } from "./traffic.ts";

export interface SeriesOptions extends TrafficOptions {
  readonly programs: readonly Program[];
  readonly tests: readonly Test[];
  readonly repetitions: number;
  /** Tests on the bare veth pair as well. */
  readonly bare: "bare link too" | "programs only";
  say(text: string): void;
}

export const BARE = { merged: "veth alone", single: "veth alone, no offload" } as const;
/** Both directions of the bare link are the same, and no daemon wants pacing. */
const BARE_TESTS: readonly Test[] = ["tcp1", "tcp4", "udp", "udp512", "udp64", "ping"];

const EMPTY = { nearTun: 0, nearSendBuffer: 0, link: 0, farSocket: 0, farTun: 0, farBufferErrors: 0, daemons: {} };

interface Subject {
  readonly name: string;
  readonly kind?: Program["kind"];
  readonly tests: readonly Test[];
  open(): Promise<Bed>;
}

async function measure(bed: Bed, subject: Subject, repetition: number, test: Test, options: SeriesOptions) {
  const { near, far } = bed;
  const losses = await lossCounters(bed, subject.kind);
  const before = { near: cpuTime(near.pids).both, far: cpuTime(far.pids).both, machine: machineTime() };
  const outcome = await run(bed, test, options);
  const after = { near: cpuTime(near.pids).both, far: cpuTime(far.pids).both, machine: machineTime() };
  const all = after.machine.all - before.machine.all;
  const result: Measurement = {
    program: subject.name,
    repetition,
    test,
    ...outcome,
    nearCpu: after.near - before.near,
    farCpu: after.far - before.far,
    nearPeakBytes: memory(near.pids, "VmHWM"),
    farPeakBytes: memory(far.pids, "VmHWM"),
    machineCpu: after.machine.busy - before.machine.busy,
    stealPercent: all > 0 ? (100 * (after.machine.stolen - before.machine.stolen)) / all : 0,
    drops: difference(losses, await lossCounters(bed, subject.kind)),
  };
  options.say(`  ${subject.name} #${repetition} ${test}: ${inShort(result)}`);
  return result;
}

function inShort({ bytes, megabits, lostPercent, p50Ms, p99Ms, nearCpu, farCpu }: Measurement): string {
  if (megabits === undefined) return `p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
  const cpu = ((nearCpu + farCpu) / bytes) * 1e9;
  const loss = lostPercent === undefined ? "" : `, ${lostPercent.toFixed(1)} % lost`;
  return `${Math.round(megabits)} Mbit/s${loss}, ${cpu.toFixed(2)} CPU-s/GB`;
}

function failure(program: string, repetition: number, test: Test, error: unknown): Measurement {
  const failed = (error instanceof Error ? error.message : String(error)).trim();
  const nothing = {
    bytes: 0,
    nearCpu: 0,
    farCpu: 0,
    nearPeakBytes: 0,
    farPeakBytes: 0,
    machineCpu: 0,
    stealPercent: 0,
  };
  return { program, repetition, test, failed, ...nothing, drops: EMPTY };
}

/** All tests of one program once. What fails is noted and does not end the comparison. */
async function round(subject: Subject, repetition: number, options: SeriesOptions): Promise<Measurement[]> {
  const results: Measurement[] = [];
  const fail = (test: Test, error: unknown) => {
    results.push(failure(subject.name, repetition, test, error));
    options.say(`  ${subject.name} #${repetition} ${test}: FAILED: ${results.at(-1)!.failed}`);
  };
  try {
    await using bed = await subject.open();
    await warmUp(bed);
    for (const test of subject.tests) {
      try {
        results.push(await measure(bed, subject, repetition, test, options));
      } catch (error) {
        fail(test, error);
      }
    }
  } catch (error) {
    for (const test of subject.tests) fail(test, error);
  }
  return results;
}

export async function compare(options: SeriesOptions): Promise<Measurement[]> {
  const { programs, tests, repetitions, bare } = options;
  const bareTests = BARE_TESTS.filter((test) => tests.includes(test));
  const subjects: Subject[] = [];
  if (bare === "bare link too") {
    for (const packets of ["merged", "single"] as const) {
      subjects.push({ name: BARE[packets], tests: bareTests, open: () => Bed.bare(packets) });
    }
  }
  for (const program of programs) {
    subjects.push({ name: program.name, kind: program.kind, tests, open: () => Bed.tunnel(program) });
  }
  const results: Measurement[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const subject of subjects) results.push(...(await round(subject, repetition, options)));
  }
  return results;
}
