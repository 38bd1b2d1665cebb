/** The doorbell of this process, there while some socket is watched. */
import { isMainThread } from "node:worker_threads";
import { FfiThreadError } from "../errors.ts";
import { Liveness } from "../event/liveness.ts";
import { openLibc } from "../ffi/libc.ts";
import { DOORBELL_BYTES, Doorbell, type DoorbellLoop } from "../os/linux/doorbell.ts";

const PAGE_BYTES = 65_536;
/** NULL is not an address, and structs are aligned. */
const AREA = 64;

const loop: DoorbellLoop = {
  onUrgent(ring) {
    process.on("SIGURG", ring);
    return () => void process.off("SIGURG", ring);
  },
  soon: (task) => void setImmediate(task),
  stays: Liveness.anyHeld,
  pid: process.pid,
};

/** Makes one when it is needed. */
export class SharedDoorbell {
  readonly #make: () => Doorbell;
  #current: Doorbell | undefined;

  private constructor(make: () => Doorbell) {
    this.#make = make;
  }

  /** @throws PlatformError, FfiUnavailableError, FfiThreadError */
  static async open(): Promise<SharedDoorbell> {
    // Signals are the main thread's alone.
    if (!isMainThread) throw new FfiThreadError();
    const pages = Math.ceil((AREA + DOORBELL_BYTES) / PAGE_BYTES);
    const libc = await openLibc(new WebAssembly.Memory({ initial: pages, maximum: pages }));
    return new SharedDoorbell(() => new Doorbell(libc, AREA, loop));
  }

  /** @throws SystemError */
  watch(fd: number, readable: () => void): void {
    this.#current ??= this.#make();
    try {
      this.#current.watch(fd, readable);
    } finally {
      this.#rest();
    }
  }

  unwatch(fd: number): void {
    this.#current?.unwatch(fd);
    this.#rest();
  }

  #rest(): void {
    if (this.#current?.size !== 0) return;
    this.#current.close();
    this.#current = undefined;
  }
}

let shared: Promise<SharedDoorbell> | undefined;

/** The one of this process. @throws as `open` */
export async function sharedDoorbell(): Promise<SharedDoorbell> {
  shared ??= SharedDoorbell.open();
  try {
    return await shared;
  } catch (error) {
    shared = undefined;
    throw error;
  }
}
