/** Reads a configuration to its end, which its size does not tell: /proc says 0, and /dev/zero has none. */
import { readSync } from "node:fs";
import { CONFIG_BYTES_MAX } from "../config/size.ts";
import { joinAndWipe } from "../keys/join-and-wipe.ts";
import { CliError } from "./command-errors.ts";

const FIRST_BYTES = 64 * 1024;

/**
 * @param name  for errors
 * @param from  null: where the descriptor is
 * @returns     bytes that the caller wipes @throws CliError, and the system's errors
 */
export function readToEnd(name: string, descriptor: number, from: number | null): Uint8Array {
  let buffer = new Uint8Array(FIRST_BYTES);
  for (let length = 0; ; ) {
    const at = from === null ? null : from + length;
    const count = readSync(descriptor, buffer, length, buffer.length - length, at);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
    if (length > CONFIG_BYTES_MAX) {
      buffer.fill(0);
      throw new CliError(`${name} is too large for a configuration`, "Check the file");
    }
    if (length === buffer.length) buffer = joinAndWipe([buffer, new Uint8Array(length)]);
  }
}
