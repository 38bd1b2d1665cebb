/** What a descriptor of the stand-in for macOS stands for. Whatever is not said to work does not. */
import { Failure } from "./errno.ts";

export abstract class Descriptor {
  nonBlocking = false;
  closeOnExec = false;

  /** Bytes that wait, for EVFILT_READ. */
  get waiting(): number {
    return 0;
  }

  get isReadable(): boolean {
    return this.waiting > 0;
  }

  get isWritable(): boolean {
    return true;
  }

  /** Files came to it or left it since the last call, for EVFILT_VNODE. */
  takeChange(): boolean {
    return false;
  }

  /** @returns what one read brings, `capacity` bytes at the most */
  read(_capacity: number): Uint8Array {
    throw new Failure("EINVAL", "cannot be read");
  }

  /** @returns how many were taken */
  write(_bytes: Uint8Array): number {
    throw new Failure("EINVAL", "cannot be written");
  }

  close(): void {}
}

/** Things that wait to be read one at a time, as datagrams do. */
export class Messages<T = Uint8Array> {
  readonly #list: T[] = [];
  readonly #most: number;

  constructor(most = 4096) {
    this.#most = most;
  }

  get length(): number {
    return this.#list.length;
  }

  /** What finds no room is lost. */
  push(message: T): void {
    if (this.#list.length < this.#most) this.#list.push(message);
  }

  /** Without any, a descriptor that may block would: no daemon may have one. */
  take(): T {
    const message = this.#list.shift();
    if (message === undefined) throw new Failure("EAGAIN");
    return message;
  }
}
