/**
 * What a command may fail with. The text is for a person: what went wrong, then the next step.
 * Never put a key, or a line that may hold one, into either.
 */
import { adviceFor } from "../errno-advice.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

export class CliError extends Error {
  readonly exitCode: number;
  readonly nextStep: string;

  constructor(message: string, nextStep: string, exitCode: number = EXIT_FAILURE, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.nextStep = nextStep;
    this.exitCode = exitCode;
  }
}

/** The command line itself is wrong. */
export class UsageError extends CliError {
  constructor(message: string, nextStep = "See: wasmguard --help") {
    super(message, nextStep, EXIT_USAGE);
    this.name = "UsageError";
  }
}

function nextStepOf(error: Error): string {
  if ("nextStep" in error && typeof error.nextStep === "string") return error.nextStep;
  // Errors of the runtime's own, as from reading a file.
  return "code" in error && typeof error.code === "string" ? (adviceFor(error.code) ?? "") : "";
}

/** One line for stderr: message, then the next step where the error names one. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const nextStep = nextStepOf(error);
  const line = nextStep ? `${error.message}. ${nextStep}` : error.message;
  return line.replace(/\s*\n\s*/g, " ");
}

/** The exit code an error asks for; 1 for those that do not say. (The bundled command has a CliError of its own.) */
export function exitCodeOf(error: unknown): number {
  const asks = error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
  return asks ? (error.exitCode as number) : EXIT_FAILURE;
}
