/** Reads a file to its end, which its size does not tell: that of a pipe is 0, and /dev/zero has none. */
import { open } from "node:fs/promises";
import { joinAndWipe } from "../keys/join-and-wipe.ts";

const FIRST_BYTES = 64 * 1024;

/** @returns its bytes, which the caller wipes; undefined where they are more than `most` */
export async function readFileUpTo(path: string | URL, most: number): Promise<Uint8Array | undefined> {
  const file = await open(path, "r");
  let buffer = new Uint8Array(FIRST_BYTES);
  let length = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
      if (length > most) break;
      if (length === buffer.length) buffer = joinAndWipe([buffer, new Uint8Array(length)]);
    }
  } catch (error) {
    buffer.fill(0);
    throw error;
  } finally {
    await file.close();
  }
  buffer.fill(0);
  return undefined;
}
