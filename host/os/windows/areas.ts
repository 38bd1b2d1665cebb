/** Places in the thread's control area of linear memory, given out once, for structs that Windows reads and writes while a tunnel is open. */
import { IO_CONTROL_BYTES } from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";

/** What every struct here is aligned to. */
const ALIGNMENT = 16;

export class Areas {
  readonly #core: Core;
  #end: Address;

  constructor(core: Core) {
    this.#core = core;
    this.#end = core.at.ioControl;
  }

  /** @returns the address of `bytes` zeros that nobody else uses */
  take(bytes: number): Address {
    const start = this.#end;
    this.#end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (this.#end > this.#core.at.ioControl + IO_CONTROL_BYTES) throw new RangeError("ioControl is too small");
    this.#core.wipe(start, bytes);
    return start;
  }
}
