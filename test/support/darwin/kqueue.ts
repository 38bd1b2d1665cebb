/** kqueue of the stand-in: filters on descriptors for reading, writing and changes of a folder. */
import { KQUEUE } from "../../../host/ffi/darwin/constants.ts";
import { Descriptor } from "./descriptor.ts";
import { Failure, insist } from "./errno.ts";

export interface Kevent {
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly filterFlags: number;
  readonly data: number;
  readonly token: bigint;
}

interface Registered extends Kevent {
  readonly target: Descriptor;
}

const KNOWN_FLAGS = KQUEUE.EV_ADD | KQUEUE.EV_DELETE | KQUEUE.EV_CLEAR;

export class KqueueDescriptor extends Descriptor {
  readonly #registered = new Map<string, Registered>();
  readonly #find: (fd: number) => Descriptor;

  constructor(find: (fd: number) => Descriptor) {
    super();
    this.#find = find;
  }

  apply(change: Kevent): void {
    const { ident, filter, flags, filterFlags } = change;
    insist((flags & ~KNOWN_FLAGS) === 0, "flags of a kevent");
    const target = this.#find(ident);
    const key = `${ident}:${filter}`;
    if ((flags & KQUEUE.EV_DELETE) !== 0) {
      if (!this.#registered.delete(key)) throw new Failure("ENOENT");
      return;
    }
    const filters: number[] = [KQUEUE.EVFILT_READ, KQUEUE.EVFILT_WRITE, KQUEUE.EVFILT_VNODE];
    insist(filters.includes(filter), "filter");
    insist(filter !== KQUEUE.EVFILT_VNODE || filterFlags === KQUEUE.NOTE_WRITE, "fflags");
    this.#registered.set(key, { ...change, target });
  }

  /** A descriptor was closed: whatever was asked of it is forgotten. */
  forget(target: Descriptor): void {
    for (const [key, one] of this.#registered) if (one.target === target) this.#registered.delete(key);
  }

  pending(capacity: number): Kevent[] {
    const found: Kevent[] = [];
    for (const one of this.#registered.values()) {
      if (found.length === capacity) break;
      const { target, filter } = one;
      if (filter === KQUEUE.EVFILT_READ ? target.isReadable : filter === KQUEUE.EVFILT_WRITE && target.isWritable) {
        const eof = target.isReadable && target.waiting === 0 ? KQUEUE.EV_EOF : 0;
        found.push({ ...one, flags: eof, data: target.waiting });
      } else if (filter === KQUEUE.EVFILT_VNODE && target.takeChange()) {
        found.push({ ...one, flags: KQUEUE.EV_CLEAR, filterFlags: KQUEUE.NOTE_WRITE });
      }
    }
    return found;
  }
}
