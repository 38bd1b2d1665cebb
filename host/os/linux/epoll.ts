/**
 * epoll over linear memory: waiting allocates nothing, and each ready descriptor comes back as the
 * token (u32) it was added with. Also the eventfd that wakes a thread out of the wait.
 */
import { WAIT } from "../../ffi/constants.ts";
import { EAGAIN, EINTR } from "../../ffi/errno.ts";
import { EPOLL_EVENT } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { READABLE, type Readiness } from "../readiness.ts";

/** Linear memory that an Epoll of `capacity` needs. */
export function epollBytes(capacity: number): number {
  return (capacity * EPOLL_EVENT.BYTES + 7) & ~7;
}

export class Epoll implements Readiness {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #area: number;
  readonly #capacity: number;
  readonly #words: Uint32Array;

  /** @param area 8-byte aligned offset of epollBytes(capacity) bytes that nobody else uses */
  constructor(libc: Libc, area: number, capacity: number) {
    this.#libc = libc;
    this.#area = area;
    this.#capacity = capacity;
    this.#words = new Uint32Array(libc.memory.buffer, area, epollBytes(capacity) / 4);
    this.fd = check("epoll_create1", libc.epollCreate1(WAIT.EPOLL_CLOEXEC));
  }

  add(fd: number, token: number, events: number = READABLE): void {
    this.#control("epoll_ctl add", WAIT.EPOLL_CTL_ADD, fd, token, events);
  }

  modify(fd: number, token: number, events: number): void {
    this.#control("epoll_ctl mod", WAIT.EPOLL_CTL_MOD, fd, token, events);
  }

  remove(fd: number): void {
    this.#libc.epollCtl(this.fd, WAIT.EPOLL_CTL_DEL, fd, this.#libc.scratch.at(0));
  }

  #control(call: string, operation: number, fd: number, token: number, events: number): void {
    control(this.#libc, this.fd, call, operation, fd, token, events);
  }

  /**
   * Block until something is ready.
   * @param timeoutMs rounded up, so that no deadline is met too early; Infinity waits for ever
   * @returns how many are ready; 0 after the timeout or a signal
   * @throws SystemError for what only a bug can cause
   */
  wait(timeoutMs: number): number {
    const timeout = timeoutMs === Infinity ? -1 : Math.min(Math.max(Math.ceil(timeoutMs), 0), 0x7fffffff);
    const ready = this.#libc.epollWait(this.fd, this.#area, this.#capacity, timeout);
    // EAGAIN: the errno of another call came in between (confine/linux.ts); epoll_wait itself has none such.
    return ready === -EINTR || ready === -EAGAIN ? 0 : check("epoll_wait", ready);
  }

  /** Token of ready descriptor `i` < wait(). */
  token(i: number): number {
    return this.#words[(i * EPOLL_EVENT.BYTES + EPOLL_EVENT.data) >> 2]!;
  }

  /** Its events: READABLE | WRITABLE | FAILED. */
  events(i: number): number {
    return this.#words[(i * EPOLL_EVENT.BYTES + EPOLL_EVENT.events) >> 2]!;
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}

function control(
  libc: Libc,
  epoll: number,
  call: string,
  operation: number,
  fd: number,
  token: number,
  events: number,
): void {
  const { view, at } = libc.scratch;
  view.setUint32(EPOLL_EVENT.events, events, true);
  view.setUint32(EPOLL_EVENT.data, token, true);
  view.setUint32(EPOLL_EVENT.data + 4, 0, true);
  check(call, libc.epollCtl(epoll, operation, fd, at(0)));
}

/** Have another thread's Epoll, whose descriptor is `epoll`, wait for `fd` too. @throws SystemError */
export function addToEpoll(libc: Libc, epoll: number, fd: number, token: number): void {
  control(libc, epoll, "epoll_ctl add", WAIT.EPOLL_CTL_ADD, fd, token, READABLE);
}

/** @returns an eventfd to wake a thread with  @throws SystemError */
export function openEventfd(libc: Libc): number {
  return check("eventfd", libc.eventfd(0, WAIT.EFD_NONBLOCK | WAIT.EFD_CLOEXEC));
}

/** Make it readable. Any thread may, each with its own Libc. @throws SystemError */
export function signalEventfd(libc: Libc, fd: number): void {
  libc.scratch.view.setBigUint64(0, 1n, true);
  const result = libc.write(fd, libc.scratch.at(0), 8);
  // EAGAIN: the counter is full, so it is readable already.
  if (result !== -EAGAIN) check("write eventfd", result);
}

/** Make it unreadable again. */
export function drainEventfd(libc: Libc, fd: number): void {
  libc.read(fd, libc.scratch.at(0), 8);
}
