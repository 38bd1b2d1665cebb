/**
 * poll(2) over a handful of descriptors, in linear memory: for those that packets come through. It takes three arguments, as
 * many as Node's FFI makes no array of, where epoll_wait has four and costs microseconds more while the caches are cold. Everything
 * else waits behind one Epoll, whose own descriptor is among these.
 */
import { POLL } from "../../ffi/constants.ts";
import { EAGAIN, EINTR, ENOSYS, EPERM } from "../../ffi/errno.ts";
import { POLLFD, TIMESPEC } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** Linear memory that a PollSet of `places` needs. */
export function pollSetBytes(places: number): number {
  return places * POLLFD.BYTES + TIMESPEC.BYTES;
}

export class PollSet {
  readonly #libc: Libc;
  readonly #area: number;
  readonly #places: number;
  readonly #descriptors: Int32Array;
  readonly #events: Uint16Array;
  readonly #timespec: Uint32Array;
  #ppollRefused = false;

  /** @throws SystemError where the system refuses to wait  @param area 8-byte aligned offset of pollSetBytes(places) bytes that nobody else uses */
  constructor(libc: Libc, area: number, places: number) {
    this.#libc = libc;
    this.#area = area;
    this.#places = places;
    this.#descriptors = new Int32Array(libc.memory.buffer, area, (places * POLLFD.BYTES) / 4);
    this.#events = new Uint16Array(libc.memory.buffer, area, (places * POLLFD.BYTES) / 2);
    this.#timespec = new Uint32Array(libc.memory.buffer, area + places * POLLFD.BYTES, TIMESPEC.BYTES / 4).fill(0);
    for (let place = 0; place < places; place++) {
      this.set(place, -1);
      this.#events[(place * POLLFD.BYTES + POLLFD.events) >> 1] = POLL.POLLIN;
    }
    this.wait(0);
  }

  /** Wait for `fd` to be readable, too. @param fd −1 for none */
  set(place: number, fd: number): void {
    this.#descriptors[(place * POLLFD.BYTES + POLLFD.fd) >> 2] = fd;
    this.#events[(place * POLLFD.BYTES + POLLFD.happened) >> 1] = 0; // what the one before had is no news of this one
  }

  /**
   * Block until something is ready.
   * @param timeoutMs rounded up, so that no deadline is met too early; Infinity waits for ever
   * @returns how many are ready; 0 after the timeout or a signal
   * @throws SystemError for what only a bug can cause
   */
  wait(timeoutMs: number): number {
    const timeout = timeoutMs === Infinity ? -1 : Math.min(Math.max(Math.ceil(timeoutMs), 0), 0x7fffffff);
    return this.#result("poll", this.#libc.poll(this.#area, this.#places, timeout));
  }

  /** As wait, but to the microsecond, and for less than a second: by ppoll. */
  waitBriefly(timeoutMs: number): number {
    if (!this.#ppollRefused) {
      const ready = this.#ppoll(this.#places, timeoutMs);
      if (ready !== -ENOSYS && ready !== -EPERM) return this.#result("ppoll", ready);
      this.#ppollRefused = true;
    }
    // In whole milliseconds, and rather too short than too long: whoever waits so looks out for the rest.
    return this.wait(Math.floor(timeoutMs));
  }

  /** Sleep for less than a second, whatever is ready, or until a signal. Where the system refuses that there is no sleep. */
  pause(timeoutMs: number): void {
    this.#ppoll(0, timeoutMs);
  }

  #ppoll(places: number, timeoutMs: number): number {
    this.#timespec[TIMESPEC.nanoseconds >> 2] = timeoutMs * 1_000_000;
    return this.#libc.ppoll(this.#area, places, this.#timespec.byteOffset);
  }

  #result(syscall: string, ready: number): number {
    // EAGAIN: the errno of another call came in between (confine/linux.ts).
    return ready === -EINTR || ready === -EAGAIN ? 0 : check(syscall, ready);
  }

  /** After a wait that found some: whether there is something to read, or an error to be told by reading. */
  ready(place: number): boolean {
    return this.#events[(place * POLLFD.BYTES + POLLFD.happened) >> 1] !== 0;
  }
}
