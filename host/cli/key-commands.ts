/**
 * `genkey`, `genpsk`, `pubkey`: keys on stdin and stdout as base64, as `wg` has them. Exit codes as `wg`: 0 or 1.
 * Keys are bytes from the first to the last, and wiped.
 */
import { fstatSync, readSync } from "node:fs";
import { derivePublicKey } from "../keys/public-key.ts";
import { KEY_BASE64_CHARS, KEY_BYTES, keyFromBase64, keyToBase64, secretBytes } from "../keys/text.ts";
import { filesHaveModes } from "../platform.ts";
import { CliError, UsageError } from "./command-errors.ts";
import { complain, printPrecious } from "./print.ts";

const STDIN = 0;
const STDOUT = 1;
const LF = 10;
/** A key and as much white space as anyone may leave around it. */
const INPUT_BYTES_MAX = 4096;
const RETRY_MS = 10;

function checkNoOperands(command: string, args: readonly string[]): void {
  if (args.length > 0) throw new UsageError(`${command} takes no arguments`, `See: wasmguard ${command} --help`);
}

function warnIfWorldAccessible(): void {
  if (!filesHaveModes()) return;
  const status = fstatSync(STDOUT);
  if (status.isFile() && (status.mode & 0o007) !== 0) {
    complain("Warning: writing to world accessible file.\nConsider setting the umask to 077 and trying again.\n");
  }
}

/** A descriptor that someone else made non-blocking has nothing to give or no room yet: try again shortly. */
function retrying(operation: () => number): number {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Print a key and a line feed; the key and its text are wiped. */
function printKey(key: Uint8Array): void {
  const text = secretBytes(KEY_BASE64_CHARS + 1);
  const base64 = keyToBase64(key);
  text.set(base64);
  text[KEY_BASE64_CHARS] = LF;
  key.fill(0);
  base64.fill(0);
  try {
    printPrecious(text);
  } finally {
    text.fill(0);
  }
}

/** Read stdin to its end into `buffer`. @returns bytes read; at most buffer.length */
function readInput(buffer: Uint8Array): number {
  let length = 0;
  while (length < buffer.length) {
    const count = retrying(() => readSync(STDIN, buffer, length, buffer.length - length, null));
    if (count === 0) break;
    length += count;
  }
  return length;
}

const isSpace = (char: number): boolean => char === 32 || (char >= 9 && char <= 13) || char === 0;

export async function genkey(args: readonly string[]): Promise<number> {
  checkNoOperands("genkey", args);
  warnIfWorldAccessible();
  const key = crypto.getRandomValues(secretBytes(KEY_BYTES));
  // Clamped as RFC 7748 §5 asks; every user of the key clamps again.
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  printKey(key);
  return 0;
}

export async function genpsk(args: readonly string[]): Promise<number> {
  checkNoOperands("genpsk", args);
  warnIfWorldAccessible();
  printKey(crypto.getRandomValues(secretBytes(KEY_BYTES)));
  return 0;
}

export async function pubkey(args: readonly string[]): Promise<number> {
  checkNoOperands("pubkey", args);
  const input = new Uint8Array(INPUT_BYTES_MAX);
  try {
    const length = readInput(input);
    const trailing = input.subarray(Math.min(KEY_BASE64_CHARS, length), length);
    const wrong = "Give one private key, as `wasmguard genkey` prints it";
    if (length === input.length || !trailing.every(isSpace)) {
      throw new CliError("trailing characters found after the key", wrong);
    }
    const key = keyFromBase64(input.subarray(0, Math.min(KEY_BASE64_CHARS, length)));
    if (key === undefined) throw new CliError("the key is not the correct length or format", wrong);
    const publicKey = derivePublicKey(key);
    key.fill(0);
    printKey(publicKey);
    return 0;
  } finally {
    input.fill(0);
  }
}
