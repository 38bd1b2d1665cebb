/** `wasmguard strip`: the configuration without what only wg-quick understands, as `wg setconf` and `wg syncconf` take it. */
import { HOOKS } from "../../config/settings.ts";

const LF = 10;
const HASH = 35;
const EQUALS = 61;
const OPEN_BRACKET = 91;
const KEY_CHARS_MAX = 32;
const SYSTEM_KEYS = new Set(["Address", "DNS", "MTU", "Table", "SaveConfig", ...HOOKS].map((key) => key.toLowerCase()));

const isBlank = (byte: number): boolean => byte === 32 || byte === 9;
const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

function trim(bytes: Uint8Array, isTrimmed: (byte: number) => boolean): Uint8Array {
  let [start, end] = [0, bytes.length];
  while (start < end && isTrimmed(bytes[start]!)) start++;
  while (end > start && isTrimmed(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

/** What stands before "=", or all of a line without one; "" where that is too long to mean anything here. */
function keyOf(line: Uint8Array): string {
  const comment = line.indexOf(HASH);
  const stripped = comment < 0 ? line : line.subarray(0, comment);
  const equals = stripped.indexOf(EQUALS);
  const key = trim(equals < 0 ? stripped : stripped.subarray(0, equals), isSpace);
  return key.length > KEY_CHARS_MAX ? "" : String.fromCharCode(...key).toLowerCase();
}

/**
 * Line for line as `wg-quick strip` prints it: the lines that stay keep their comments, and lose white space at their ends.
 * @param file  with its keys. @returns the rest, with its keys: the caller wipes both
 */
export function strip(file: Uint8Array): Uint8Array {
  const output = new Uint8Array(file.length + 2);
  let length = 0;
  let inInterface = false;
  for (let start = 0; start < file.length; ) {
    const stop = file.indexOf(LF, start);
    const end = stop < 0 ? file.length : stop;
    const line = trim(file.subarray(start, end), isBlank);
    start = end + 1;
    const key = keyOf(line);
    if (key.charCodeAt(0) === OPEN_BRACKET) inInterface = key === "[interface]";
    if (inInterface && SYSTEM_KEYS.has(key)) continue;
    output.set(line, length);
    output[length + line.length] = LF;
    length += line.length + 1;
  }
  output[length] = LF;
  return output.subarray(0, length + 1);
}
