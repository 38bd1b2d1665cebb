/**
 * The steps of confinement by name, and which of them may fail. A step that the system refuses ends the start, unless the user
 * said beforehand that it may: nobody should believe to be confined who is not.
 */
import { ConfinementError } from "../errors.ts";
import { errnoName } from "../ffi/errno.ts";

/** In the order in which they are taken. */
export const STEPS = ["no-new-privs", "seccomp", "landlock", "memory", "user", "capabilities"] as const;
export type Step = (typeof STEPS)[number];

export function isStep(text: string): text is Step {
  return (STEPS as readonly string[]).includes(text);
}

/** Collects what was refused, so that one message names it all. */
export class Steps {
  readonly #mayFail: ReadonlySet<Step>;
  readonly #failed = new Map<Step, string>();

  constructor(mayFail: readonly Step[]) {
    this.#mayFail = new Set(mayFail);
  }

  /** A step was taken, or not. @param result −errno, or a reason; else it was. @returns whether it was */
  took(step: Step, result: number | string | undefined): boolean {
    const reason = typeof result === "number" && result < 0 ? errnoName(-result) : result;
    if (typeof reason !== "string") return true;
    if (!this.#failed.has(step)) this.#failed.set(step, reason);
    return false;
  }

  /** Lines for the log about what failed with the user's consent. @throws ConfinementError for all else */
  verdict(): string[] {
    const [forbidden, allowed]: [string[], string[]] = [[], []];
    for (const [step, reason] of this.#failed) {
      (this.#mayFail.has(step) ? allowed : forbidden).push(`${step} (${reason})`);
    }
    if (forbidden.length === 0) return allowed.map((text) => `not confined by ${text}, as allowed`);
    const names = [...new Set([...this.#mayFail, ...this.#failed.keys()])];
    throw new ConfinementError(forbidden, names);
  }
}
