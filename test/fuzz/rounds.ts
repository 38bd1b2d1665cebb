/**
 * Fuzzes one target for a while, in rounds of a seed each, so that whatever a round finds is found again from its seed alone.
 * The smallest input that fails is what fast-check's shrinking arrives at; its path leads straight there.
 */
import fc from "fast-check";
import type { Target } from "./target.ts";

const RUNS_PER_ROUND = 100;
/** Making a failing input smaller ends after so long. */
const SHRINK_MS = 30_000;

export interface Budget {
  /** Of the first round; the others count on from it. */
  readonly seed: number;
  readonly milliseconds: number;
  /** Only the input that this leads to, of the first round. */
  readonly path?: string | undefined;
}

export interface Failure {
  readonly seed: number;
  readonly path: string;
  readonly input: string;
  readonly error: unknown;
}

export interface Outcome {
  readonly inputs: number;
  readonly failure?: Failure;
}

export async function fuzz(target: Target, { seed: first, milliseconds, path }: Budget): Promise<Outcome> {
  const property = await target.open();
  const end = performance.now() + milliseconds;
  let inputs = 0;
  for (let seed = first; ; seed = (seed + 1) | 0) {
    const round = await fc.check(property, {
      seed,
      numRuns: RUNS_PER_ROUND,
      interruptAfterTimeLimit: Math.max(0, end - performance.now()) + SHRINK_MS,
      ...(path === undefined ? {} : { path }),
    });
    inputs += round.numRuns;
    if (round.failed) {
      const input = fc.stringify(round.counterexample);
      const failure = { seed, path: round.counterexamplePath ?? "", input, error: round.errorInstance };
      return { inputs, failure };
    }
    if (path !== undefined || performance.now() >= end) return { inputs };
  }
}
