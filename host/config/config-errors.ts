/** What is wrong with a configuration, and where. Never a value of it: it may be a key in the wrong place. */
import { WasmguardError } from "../errors.ts";

export class ConfigError extends WasmguardError {
  readonly name = "ConfigError";
  readonly code = "CONFIG";
  readonly nextStep: string;
  /** Counted from 1; 0 when the file as a whole is meant. */
  readonly line: number;

  constructor(fileName: string, line: number, problem: string, nextStep = "Correct that line.", cause?: unknown) {
    super(
      line === 0 ? `${fileName}: ${problem}` : `${fileName}, line ${line}: ${problem}`,
      cause === undefined ? undefined : { cause },
    );
    this.line = line;
    this.nextStep = nextStep;
  }
}
