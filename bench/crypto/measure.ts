// Takes the times. Each contestant is first verified, then warmed up (Wasm and JavaScript are compiled in tiers), then
// timed by mitata in many short rounds: within a round the contestants of a case follow one another, and every round
// starts with another one, so that whatever else the machine does hits all alike. The figure is the median of rounds.
import { measure } from "mitata";
import type { Case } from "./cases.ts";
import type { Contestant, Prepared } from "./contestant.ts";
import type { CaseResult, ContestantResult } from "./results.ts";

export interface Settings {
  readonly rounds: number;
  /** Samples in a round; mitata takes their median. */
  readonly samples: number;
  /** Time that one sample should take: far above the clock's resolution. */
  readonly sampleMs: number;
  readonly warmUpMs: number;
}

interface Entry {
  readonly contestant: Contestant;
  readonly prepared: Prepared;
  readonly operations: number;
  runsPerSample: number;
  readonly rounds: number[]; // ns per operation
}

interface Race {
  readonly case: Case;
  readonly entries: Entry[];
  readonly unavailable: { library: string; reason: string }[];
}

const CALLS_PER_CLOCK_READING = 16;
const UNROLL = 4;
const NS_PER_MS = 1e6;

function bytesOf(result: unknown): Uint8Array {
  if (result instanceof Uint8Array) return result;
  if (result instanceof ArrayBuffer) return new Uint8Array(result);
  throw new Error("no bytes came back");
}

/** @throws Error when the contestant's bytes are not those of the oracle */
async function verify(prepared: Prepared, expected: Uint8Array): Promise<void> {
  prepared.before?.();
  const returned = await prepared.run();
  const bytes = bytesOf(prepared.result ? prepared.result() : returned);
  if (bytes.length !== expected.length || !bytes.every((byte, i) => byte === expected[i])) {
    throw new WrongResultError("the result differs from that of the others");
  }
}

export class WrongResultError extends Error {}

async function warmUp(prepared: Prepared, forMs: number): Promise<number> {
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < forMs) {
    for (let i = 0; i < CALLS_PER_CLOCK_READING; i++) {
      prepared.before?.();
      const returned = prepared.run();
      if (returned instanceof Promise) await returned;
    }
    calls += CALLS_PER_CLOCK_READING;
    elapsed = performance.now() - start;
  }
  return elapsed / calls;
}

/** Prepare and verify. What the runtime or the library does not have is noted; a wrong result ends the benchmark. */
async function enter(measured: Case, contestants: readonly Contestant[]): Promise<Race> {
  const race: Race = { case: measured, entries: [], unavailable: [] };
  for (const contestant of contestants) {
    const prepare = contestant.primitives[measured.primitive];
    if (!prepare) continue;
    try {
      const prepared = await prepare(measured.inputs);
      await verify(prepared, measured.expected);
      race.entries.push({
        contestant,
        prepared,
        operations: prepared.operations ?? 1,
        runsPerSample: 1,
        rounds: [],
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof WrongResultError) {
        throw new Error(`${contestant.library}, ${measured.primitive}, ${measured.bytes} bytes: ${reason}`);
      }
      race.unavailable.push({ library: contestant.library, reason });
    }
  }
  return race;
}

/** For contestants with something to do before each run: mitata takes the time that this tells. */
function* timedByItself({ prepared, runsPerSample }: Entry) {
  yield {
    manual() {
      let total = 0;
      for (let i = 0; i < runsPerSample; i++) {
        prepared.before?.();
        const start = performance.now();
        prepared.run();
        total += performance.now() - start;
      }
      return (total * NS_PER_MS) / runsPerSample;
    },
  };
}

async function timeOnce(entry: Entry, samples: number): Promise<void> {
  const { prepared, runsPerSample } = entry;
  const options = {
    batch_samples: runsPerSample,
    batch_unroll: runsPerSample % UNROLL === 0 ? UNROLL : 1,
    batch_threshold: Number.POSITIVE_INFINITY,
    warmup_threshold: Number.POSITIVE_INFINITY,
    min_samples: samples,
    max_samples: samples,
    min_cpu_time: 0,
    gc: () => {}, // a collection before each of thousands of short rounds would be most of the run
  } as Parameters<typeof measure>[1];
  const { p50 } = await (prepared.before
    ? measure(
        function* () {
          yield* timedByItself(entry);
        } as unknown as () => void,
        options,
      )
    : measure(prepared.run, options));
  entry.rounds.push(p50 / entry.operations);
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const quantile = (values: readonly number[], q: number) => sorted(values)[Math.round(q * (values.length - 1))]!;

function resultOf({ contestant: { library, variant, kind }, rounds }: Entry): ContestantResult {
  const ns = (q: number) => Math.round(quantile(rounds, q) * 10) / 10;
  return { library, ...(variant && { variant }), kind, medianNs: ns(0.5), lowNs: ns(0.25), highNs: ns(0.75) };
}

function caseResult(race: Race): CaseResult {
  const { primitive, bytes } = race.case;
  return { primitive, bytes, results: race.entries.map(resultOf), unavailable: race.unavailable };
}

export interface Progress {
  readonly round: number;
  readonly rounds: number;
  /** Share of all the measuring that is done, 0 to 1. */
  readonly done: number;
  /** Figures of the case just measured, from all rounds so far. */
  readonly latest: () => CaseResult;
}

/** Run everything. `onProgress` is called whenever a case has been through another round. */
export async function measureAll(
  cases: readonly Case[],
  contestants: readonly Contestant[],
  settings: Settings,
  onProgress: (progress: Progress) => void,
): Promise<CaseResult[]> {
  const races: Race[] = [];
  for (const one of cases) races.push(await enter(one, contestants));
  for (const { entries } of races) {
    for (const entry of entries) {
      const ms = await warmUp(entry.prepared, settings.warmUpMs);
      const runs = Math.max(1, settings.sampleMs / ms);
      entry.runsPerSample = runs < UNROLL ? Math.round(runs) : Math.round(runs / UNROLL) * UNROLL;
    }
  }
  const { rounds, samples } = settings;
  for (let round = 0; round < rounds; round++) {
    for (const [index, race] of races.entries()) {
      const { entries } = race;
      for (let i = 0; i < entries.length; i++) await timeOnce(entries[(i + round) % entries.length]!, samples);
      const done = (round + (index + 1) / races.length) / rounds;
      onProgress({ round: round + 1, rounds, done, latest: () => caseResult(race) });
    }
  }
  return races.map(caseResult);
}
