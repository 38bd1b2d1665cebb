/** What is fuzzed: an input, and what must hold for each. A target keeps nothing between inputs that another one could be judged by. */
import type fc from "fast-check";

export interface Target {
  /** For --only. */
  readonly name: string;
  /** One line: what reads the input. */
  readonly about: string;
  /** Load what it needs. Its property throws where something does not hold. */
  open(): Promise<fc.IRawProperty<unknown, boolean>>;
}
