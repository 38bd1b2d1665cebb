/** Random bytes from the kernel straight into linear memory, so that no JS buffer holds a key's seed. */
import { SystemError } from "../../errors.ts";
import { FILE } from "../../ffi/constants.ts";
import { EINTR, EIO, ENODEV } from "../../ffi/errno.ts";
import { STAT } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { systemCall } from "../../ffi/system-calls.ts";

const DEVICE = "/dev/urandom";
/** Documentation/admin-guide/devices.txt: character device 1:9, as st_rdev has it. */
const DEVICE_NUMBER = (1n << 8n) | 9n;

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
    if (device) this.#requireDevice();
  }

  /** A container may have anything at that path, also a file whose bytes are known. */
  #requireDevice(): void {
    const { view, at } = this.#libc.scratch;
    const result = this.#libc.systemCall(systemCall("fstat")!, this.#device, this.#libc.pointer(at(0)));
    const isDevice = (view.getUint32(STAT.mode, true) & FILE.S_IFMT) === FILE.S_IFCHR;
    if (result >= 0 && isDevice && view.getBigUint64(STAT.device, true) === DEVICE_NUMBER) return;
    this.close();
    throw new SystemError("fstat", result < 0 ? -result : ENODEV, `${DEVICE}, which is not the kernel's device 1:9`);
  }

  /**
   * Fill `length` bytes at `address`. getrandom(2) waits until the kernel's generator is first seeded; the device never waits, and what it gives
   * before that, early in the start of a machine, may be foreseen.
   * @throws SystemError
   */
  fill(address: number, length: number): void {
    for (let done = 0; done < length; ) {
      const n = this.#take(address + done, length - done);
      if (n === 0) throw new SystemError("read", EIO, DEVICE);
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
