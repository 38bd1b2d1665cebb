/** Random bytes from the kernel straight into linear memory, so that no JS buffer holds a key's seed. */
import { EINTR } from "../../ffi/errno.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** Fill `length` bytes at `address`. Blocks only until the kernel's generator is first seeded. @throws SystemError */
export function fillRandom(libc: Libc, address: number, length: number): void {
  for (let done = 0; done < length; ) {
    const n = libc.getrandom(address + done, length - done, 0);
    if (n !== -EINTR) done += check("getrandom", n);
  }
}
