/**
 * Tells an event loop when sockets are readable that it cannot be given: no runtime watches a descriptor without reading from it.
 * The kernel sends SIGURG when something comes (signal-driven input, fcntl(2) F_SETSIG), which every runtime hands to its event
 * loop; without a handler that signal is ignored, so nobody is harmed by one too many. It is the process's, and so is the doorbell:
 * one epoll tells which sockets it was about.
 *
 *   armed ──signal──▶ served, and nothing more is there ──▶ armed
 *                 └─▶ more came meanwhile ──▶ looking: once in each turn of the event loop, no signals ──nothing for a few turns──▶ armed
 *
 * So what comes singly costs a signal each, and no turn of the event loop besides; what comes in numbers, none.
 */
import { SystemError } from "../../errors.ts";
import { FILE, PROCESS } from "../../ffi/constants.ts";
import { EINVAL } from "../../ffi/errno.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { Epoll, epollBytes } from "./epoll.ts";

/** Sockets that one look tells of; the others are told of by the next. */
const READY_MAX = 64;
/** Turns without anything before the doorbell goes back to signals, each of which costs as much as several turns. */
const IDLE_TURNS = 3;
const BLIND = FILE.O_NONBLOCK;
const ARMED = FILE.O_NONBLOCK | FILE.O_ASYNC;

/** Linear memory that a Doorbell needs. */
export const DOORBELL_BYTES = epollBytes(READY_MAX);

/** What the event loop does for it. */
export interface DoorbellLoop {
  /** Have `ring` called when the process gets SIGURG. @returns what ends that */
  onUrgent(ring: () => void): () => void;
  /** After the I/O of this turn. */
  soon(task: () => void): void;
  /** Whether the process is to stay alive for these sockets. To look again in the next turn would keep it so. */
  stays(): boolean;
  readonly pid: number;
}

interface Watched {
  readonly readable: () => void;
  armed: boolean;
}

export class Doorbell {
  readonly #libc: Libc;
  readonly #loop: DoorbellLoop;
  readonly #epoll: Epoll;
  readonly #watched = new Map<number, Watched>();
  readonly #unhook: () => void;
  #looking = false;
  #idleTurns = 0;
  #closed = false;

  /** @param area 8-byte aligned offset of DOORBELL_BYTES bytes that nobody else uses  @throws SystemError */
  constructor(libc: Libc, area: number, loop: DoorbellLoop) {
    this.#libc = libc;
    this.#loop = loop;
    this.#epoll = new Epoll(libc, area, READY_MAX);
    this.#unhook = loop.onUrgent(() => this.#ring());
  }

  /** How many sockets it watches. */
  get size(): number {
    return this.#watched.size;
  }

  /** Call `readable` whenever `fd`, which does not block, has something. @throws SystemError */
  watch(fd: number, readable: () => void): void {
    const libc = this.#libc;
    check("F_SETOWN", libc.fcntl(fd, FILE.F_SETOWN, this.#loop.pid));
    check("F_SETSIG", libc.fcntl(fd, FILE.F_SETSIG, PROCESS.SIGURG));
    this.#epoll.add(fd, fd);
    const watched = { readable, armed: false };
    this.#arm(fd, watched);
    // For what sends no signals the kernel ignores the flag.
    if ((libc.fcntl(fd, FILE.F_GETFL, 0) & FILE.O_ASYNC) === 0) {
      this.#epoll.remove(fd);
      throw new SystemError("F_SETFL", EINVAL, "O_ASYNC");
    }
    this.#watched.set(fd, watched);
    // What came before was no signal.
    this.#idleTurns = 0;
    this.#lookOn();
  }

  /** Before `fd` is closed. */
  unwatch(fd: number): void {
    if (!this.#watched.delete(fd)) return;
    this.#epoll.remove(fd);
    this.#libc.fcntl(fd, FILE.F_SETFL, BLIND);
  }

  #arm(fd: number, watched: Watched): void {
    watched.armed = true;
    this.#libc.fcntl(fd, FILE.F_SETFL, ARMED);
  }

  #disarm(fd: number, watched: Watched): void {
    if (watched.armed) this.#libc.fcntl(fd, FILE.F_SETFL, BLIND);
    watched.armed = false;
  }

  #ring(): void {
    this.#idleTurns = 0;
    if (this.#looking || this.#closed) return;
    let single = false;
    try {
      // Nothing: it was taken along when the signal before this one was answered.
      single = this.#serve("armed") > 0 && !this.#closed && this.#epoll.wait(0) === 0;
    } finally {
      if (!single) this.#lookOn();
    }
  }

  #lookOn(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#loop.soon(this.#look);
  }

  readonly #look = (): void => {
    if (this.#closed) return;
    try {
      this.#idleTurns = this.#serve("blind") > 0 ? 0 : this.#idleTurns + 1;
    } finally {
      if (this.#idleTurns < IDLE_TURNS && this.#loop.stays()) this.#loop.soon(this.#look);
      else this.#rest();
    }
  };

  /** @param after what those are to be that have something @returns how many they are */
  #serve(after: "armed" | "blind"): number {
    const ready = this.#closed ? 0 : this.#epoll.wait(0);
    // All first: what one of them makes the program do may close another, or take its number for a new one.
    const found: Watched[] = [];
    for (let i = 0; i < ready; i++) {
      const fd = this.#epoll.token(i);
      const watched = this.#watched.get(fd);
      if (watched === undefined) continue;
      if (after === "blind") this.#disarm(fd, watched);
      found.push(watched);
    }
    for (const watched of found) watched.readable();
    return ready;
  }

  #rest(): void {
    for (const [fd, watched] of this.#watched) if (!watched.armed) this.#arm(fd, watched);
    // What came in between was no signal.
    if (!this.#closed && this.#epoll.wait(0) > 0) {
      this.#idleTurns = 0;
      return this.#loop.soon(this.#look);
    }
    this.#looking = false;
  }

  close(): void {
    this.#closed = true;
    this.#unhook();
    this.#epoll.close();
  }
}
