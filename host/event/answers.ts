/**
 * What calls of a Bind or a Tun answer. Either may be anybody's code, and an `async` method where a plain one is asked for is easily
 * written: its answer comes later, and nobody else waits for its failure.
 */

export interface Outcome {
  /** @param count what `settle` was given */
  refused(count: number): void;
  failed(count: number, cause: unknown): void;
}

/** @param answer truthy, or a promise of that, where all is well */
export function settle(answer: unknown, count: number, outcome: Outcome): void {
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    Promise.resolve(answer).then(
      (late) => settle(late, count, outcome),
      (cause: unknown) => outcome.failed(count, cause),
    );
  } else if (!answer) outcome.refused(count);
}

/** What a Tun or a Bind says it dropped; a number will do as well. @throws what it throws */
export function dropsOf(part: { readonly drops?: unknown }): bigint {
  const { drops } = part;
  if (typeof drops === "bigint") return drops;
  return Number.isSafeInteger(drops) ? BigInt(drops as number) : 0n;
}
