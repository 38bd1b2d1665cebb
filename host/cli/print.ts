/**
 * Text to stdout and stderr, by descriptor and at once: the runtimes' own streams end the process, some time later, when the disk
 * is full or the reader has gone.
 */
import { writeSync } from "node:fs";
import { CliError, describeError } from "./command-errors.ts";

const STDOUT = 1;
const STDERR = 2;
const RETRY_MS = 5;

/** A descriptor that somebody else made non-blocking has no room yet: wait for it. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** To stdout. A reader that left (as in `| head -1`) is nobody to be told. @throws CliError */
export function print(output: string | Uint8Array): void {
  try {
    writeAll(STDOUT, typeof output === "string" ? Buffer.from(output) : output);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "EPIPE") throw outputError(cause);
  }
}

/** To stdout, where nothing may be lost: a reader that left is an error. @throws CliError */
export function printPrecious(output: Uint8Array): void {
  try {
    writeAll(STDOUT, output);
  } catch (cause) {
    throw outputError(cause);
  }
}

function outputError(cause: unknown): CliError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  return new CliError(`cannot write the output (${code})`, "Look at where stdout leads: a disk, a pipe", 1, { cause });
}

/** "step": what is done next, and no complaint at all. */
export type Remark = "warning" | "step";

let listener: ((remark: Remark, text: string) => void) | undefined;

/** From now on remarks go there: a service has no stderr. */
export function takeRemarks(take: (remark: Remark, text: string) => void): void {
  listener = take;
}

/** To stderr, as far as it takes it: there is nowhere else to complain. */
export function complain(text: string, remark: Remark = "warning"): void {
  if (listener !== undefined) return listener(remark, text.trimEnd());
  try {
    writeAll(STDERR, Buffer.from(text));
  } catch {
    // The exit code still tells.
  }
}

/** One line on stderr. */
export function complainOf(error: unknown): void {
  complain(`wasmguard: ${describeError(error)}\n`);
}
