/** Random bytes from the kernel straight into linear memory, so that no JS buffer holds a key's seed: getentropy(2), which never waits. */
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { check } from "../../ffi/libc.ts";

/** More in one call is refused. */
const BYTES_MAX = 256;

/** Fill `length` bytes at `address`. @throws SystemError */
export function fillRandom(libc: DarwinLibc, address: number, length: number): void {
  for (let done = 0; done < length; done += BYTES_MAX) {
    check("getentropy", libc.getentropy(address + done, Math.min(BYTES_MAX, length - done)));
  }
}
