/**
 * kqueue over linear memory: one wait for all there is. Packets come through places (machine.ts), each with a descriptor; whatever else is
 * waited for comes back as the token that it was added with.
 */
import { FILE, KQUEUE } from "../../ffi/darwin/constants.ts";
import { KEVENT, TIMESPEC } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { EINTR, ENOENT } from "../../ffi/errno.ts";
import { check } from "../../ffi/libc.ts";
import { PLACE, type Waiting } from "../machine.ts";
import { READABLE, type Readiness, WRITABLE } from "../readiness.ts";

/** Events that one wait brings; what does not fit comes with the next. */
const EVENTS = 32;
/** The first token of whoever is not a place. */
const TOKENS = PLACE.others + 1;

/** Linear memory that a Kqueue needs: one change, the events, a timeout. */
export const KQUEUE_BYTES = (1 + EVENTS) * KEVENT.BYTES + TIMESPEC.BYTES;

interface Watched {
  readonly token: number;
  readonly events: number;
}

const FILTERS = [
  [READABLE, KQUEUE.EVFILT_READ],
  [WRITABLE, KQUEUE.EVFILT_WRITE],
] as const;

export class Kqueue implements Waiting, Readiness {
  readonly #libc: DarwinLibc;
  readonly #fd: number;
  readonly #change: number;
  readonly #events: number;
  readonly #timeout: number;
  readonly #view: DataView;
  readonly #places = new Int32Array(PLACE.others).fill(-1);
  readonly #watched = new Map<number, Watched>();
  /** By place, of the last wait. */
  readonly #ready = new Uint8Array(TOKENS);
  /** What the last wait found besides: tokens, and READABLE or WRITABLE. */
  readonly #others = { tokens: new Uint32Array(EVENTS), events: new Uint8Array(EVENTS), count: 0 };

  /** @param area 8-byte aligned offset of KQUEUE_BYTES that nobody else uses  @throws SystemError */
  constructor(libc: DarwinLibc, area: number) {
    this.#libc = libc;
    this.#change = area;
    this.#events = area + KEVENT.BYTES;
    this.#timeout = this.#events + EVENTS * KEVENT.BYTES;
    this.#view = new DataView(libc.memory.buffer);
    this.#fd = check("kqueue", libc.kqueue());
    check("fcntl", libc.fcntl(this.#fd, FILE.F_SETFD, FILE.FD_CLOEXEC));
  }

  /** Wait for `fd` to be readable, too. @param fd −1 for none */
  set(place: number, fd: number): void {
    const before = this.#places[place]!;
    // Closing a descriptor has taken it off already.
    if (before >= 0) this.#apply(before, KQUEUE.EVFILT_READ, KQUEUE.EV_DELETE, 0, 0);
    this.#places[place] = fd;
    this.#ready[place] = 0; // what the one before had is no news of this one
    if (fd >= 0) check("kevent", this.#apply(fd, KQUEUE.EVFILT_READ, KQUEUE.EV_ADD, 0, place));
  }

  add(fd: number, token: number, events: number = READABLE): void {
    this.#watched.set(fd, { token, events: 0 });
    this.modify(fd, token, events);
  }

  modify(fd: number, token: number, events: number): void {
    const before = this.#watched.get(fd)?.events ?? 0;
    for (const [event, filter] of FILTERS) {
      if ((events & event) !== 0) check("kevent", this.#apply(fd, filter, KQUEUE.EV_ADD, 0, TOKENS + token));
      else if ((before & event) !== 0) this.#apply(fd, filter, KQUEUE.EV_DELETE, 0, 0);
    }
    this.#watched.set(fd, { token, events });
  }

  remove(fd: number): void {
    const token = this.#watched.get(fd)?.token;
    if (token === undefined) return;
    this.modify(fd, token, 0);
    this.#watched.delete(fd);
  }

  /** Hear of files that come to a folder or leave it, once for each time. @param fd the folder, open */
  watchFolder(fd: number, token: number): void {
    const flags = KQUEUE.EV_ADD | KQUEUE.EV_CLEAR;
    check("kevent", this.#apply(fd, KQUEUE.EVFILT_VNODE, flags, KQUEUE.NOTE_WRITE, TOKENS + token));
  }

  /** @returns 0 or −errno */
  #apply(fd: number, filter: number, flags: number, filterFlags: number, token: number): number {
    const at = this.#change;
    this.#view.setBigUint64(at + KEVENT.ident, BigInt(fd), true);
    this.#view.setInt16(at + KEVENT.filter, filter, true);
    this.#view.setUint16(at + KEVENT.flags, flags, true);
    this.#view.setUint32(at + KEVENT.filterFlags, filterFlags, true);
    this.#view.setBigInt64(at + KEVENT.data, 0n, true);
    this.#view.setBigUint64(at + KEVENT.token, BigInt(token), true);
    const result = this.#libc.kevent(this.#fd, at, 1, 0, 0, this.#timespec(0));
    return result === -ENOENT && flags === KQUEUE.EV_DELETE ? 0 : result;
  }

  /** @returns its address */
  #timespec(milliseconds: number): number {
    const seconds = Math.floor(milliseconds / 1000);
    this.#view.setBigInt64(this.#timeout + TIMESPEC.seconds, BigInt(seconds), true);
    const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1_000_000);
    this.#view.setBigInt64(this.#timeout + TIMESPEC.nanoseconds, BigInt(nanoseconds), true);
    return this.#timeout;
  }

  wait(timeoutMs: number): number {
    const timeout = timeoutMs === Infinity ? 0 : this.#timespec(Math.max(Math.ceil(timeoutMs), 0));
    return this.#take(this.#libc.kevent(this.#fd, 0, 0, this.#events, EVENTS, timeout));
  }

  waitBriefly(timeoutMs: number): number {
    return this.#take(this.#libc.kevent(this.#fd, 0, 0, this.#events, EVENTS, this.#timespec(timeoutMs)));
  }

  /** @throws SystemError for what only a bug can cause */
  #take(result: number): number {
    this.#ready.fill(0);
    const others = this.#others;
    others.count = 0;
    if (result === -EINTR) return 0;
    const found = check("kevent", result);
    for (let at = this.#events; at < this.#events + found * KEVENT.BYTES; at += KEVENT.BYTES) {
      const token = this.#view.getUint32(at + KEVENT.token, true);
      this.#ready[Math.min(token, PLACE.others)] = 1;
      if (token < TOKENS) continue;
      others.tokens[others.count] = token - TOKENS;
      const filter = this.#view.getInt16(at + KEVENT.filter, true);
      others.events[others.count++] = filter === KQUEUE.EVFILT_WRITE ? WRITABLE : READABLE;
    }
    return found;
  }

  ready(place: number): boolean {
    return this.#ready[place] === 1;
  }

  /** What else the last wait found. @param visit events: READABLE or WRITABLE */
  visitOthers(visit: (token: number, events: number) => void): void {
    const { tokens, events, count } = this.#others;
    for (let i = 0; i < count; i++) visit(tokens[i]!, events[i]!);
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}
