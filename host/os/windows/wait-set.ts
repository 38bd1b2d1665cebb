/**
 * Waits for events of Windows: one for each place that packets come through, and any number of others. An event is spent by the wait that it
 * ends, so a place counts as ready from then on until a read of it has found nothing.
 */
import type { Address } from "../../core/core.ts";
import { KERNEL } from "../../ffi/windows/constants.ts";
import { HANDLE_BYTES } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import { PLACE, type Waiting } from "../machine.ts";
import type { Areas } from "./areas.ts";

/** MAXIMUM_WAIT_OBJECTS of <winnt.h>. */
const EVENTS_MAX = 64;
/** Nothing interrupts a wait, and Ctrl-C is told on the runtime's event loop: it must get its turn. */
const WAIT_MS_MAX = 100;

export class WaitSet implements Waiting {
  readonly #win: Win32;
  readonly #view: DataView;
  readonly #handles: Address;
  /** What each event is of: a place of packets, or what is to be called. */
  readonly #owners: (number | (() => void))[] = [];
  readonly #ready = new Uint8Array(PLACE.others);
  #others: (() => void)[] = [];

  constructor(win: Win32, areas: Areas) {
    this.#win = win;
    this.#view = new DataView(win.memory.buffer);
    this.#handles = areas.take(EVENTS_MAX * HANDLE_BYTES);
  }

  /** @param owner a place of packets, or what `serveOthers` calls after the event */
  add(event: number, owner: number | (() => void)): void {
    if (this.#owners.length === EVENTS_MAX) throw new RangeError("too many events");
    this.#view.setBigInt64(this.#handles + HANDLE_BYTES * this.#owners.length, BigInt(event), true);
    this.#owners.push(owner);
  }

  /** There may be something to read without a new event. */
  mayHave(place: number): void {
    this.#ready[place] = 1;
  }

  /** A read of this place found nothing more. */
  drained(place: number): void {
    this.#ready[place] = 0;
  }

  wait(timeoutMs: number): number {
    let timeout = this.#countReady() > 0 ? 0 : Math.ceil(Math.min(Math.max(timeoutMs, 0), WAIT_MS_MAX));
    const count = this.#owners.length;
    for (let first = 0; first < count; timeout = 0) {
      const signalled = this.#waitFor(first, timeout);
      if (signalled < 0) break;
      const owner = this.#owners[signalled]!;
      if (typeof owner === "number") this.#ready[owner] = 1;
      else this.#others.push(owner);
      // Only the first of those that are signalled is told, and spent.
      first = signalled + 1;
    }
    return this.#countReady();
  }

  /** The system counts milliseconds. */
  waitBriefly(timeoutMs: number): number {
    return this.wait(timeoutMs);
  }

  ready(place: number): boolean {
    return place === PLACE.others ? this.#others.length > 0 : this.#ready[place] === 1;
  }

  serveOthers(): void {
    const others = this.#others;
    this.#others = [];
    for (const serve of others) serve();
  }

  /** @returns which event ended the wait; −1 for none. @throws WindowsError */
  #waitFor(first: number, timeoutMs: number): number {
    const count = this.#owners.length - first;
    const result = this.#win.kernel.WaitForMultipleObjects(count, this.#handles + HANDLE_BYTES * first, 0, timeoutMs);
    if (result === KERNEL.WAIT_TIMEOUT) return -1;
    if (result === KERNEL.WAIT_FAILED) throw new WindowsError("WaitForMultipleObjects", this.#win.lastError);
    return first + result;
  }

  #countReady(): number {
    let ready = this.#others.length > 0 ? 1 : 0;
    for (const one of this.#ready) ready += one;
    return ready;
  }
}
