/** Random bytes from the kernel straight into linear memory, so that no JS buffer holds a key's seed. */
import { FILE } from "../../ffi/constants.ts";
import { EINTR } from "../../ffi/errno.ts";
import { check, type Libc } from "../../ffi/libc.ts";

const DEVICE = "/dev/urandom";

export class RandomSource {
  readonly #libc: Libc;
  /** Where getrandom(2) is refused, the device, opened while that is still allowed; else −1. */
  readonly #device: number;

  /** @throws SystemError where there is neither */
  constructor(libc: Libc) {
    this.#libc = libc;
    const refused = libc.getrandom(libc.scratch.at(0), 1, 0);
    const device = refused < 0 && refused !== -EINTR;
    this.#device = device ? libc.open(libc.text(DEVICE), FILE.O_RDONLY | FILE.O_CLOEXEC, 0) : -1;
    if (device && this.#device < 0) check("getrandom", refused, `and ${DEVICE}`);
  }

  /** Fill `length` bytes at `address`. Blocks only until the kernel's generator is first seeded. @throws SystemError */
  fill(address: number, length: number): void {
    for (let done = 0; done < length; ) {
      const n = this.#take(address + done, length - done);
      if (n !== -EINTR) done += n;
    }
  }

  #take(address: number, length: number): number {
    if (this.#device < 0) return checked("getrandom", this.#libc.getrandom(address, length, 0));
    return checked("read", this.#libc.read(this.#device, address, length), DEVICE);
  }

  close(): void {
    if (this.#device >= 0) this.#libc.close(this.#device);
  }
}

function checked(call: string, result: number, subject = ""): number {
  return result === -EINTR ? result : check(call, result, subject);
}
