/** Randomness of one engine: fresh bytes for each handshake message, and chances for timers. */
import type { Core } from "../core/core.ts";

export class Entropy {
  readonly #core: Core;
  readonly #fill: (into: Uint8Array) => void;
  /** One call to the source of random bytes serves many timers. */
  readonly #chances: Uint32Array;
  #left = 0;

  /** @param fill fills a view of linear memory with bytes from a cryptographic source */
  constructor(core: Core, fill: (into: Uint8Array) => void) {
    this.#core = core;
    this.#fill = fill;
    this.#chances = new Uint32Array(core.randomArea().length / 4);
  }

  /** Put new bytes where the core takes them from. */
  refresh(): void {
    this.#fill(this.#core.randomArea());
  }

  /** Uniform in [0, 1). */
  chance(): number {
    if (this.#left === 0) this.#draw();
    this.#left -= 1;
    return this.#chances[this.#left]! / 2 ** 32;
  }

  #draw(): void {
    this.refresh();
    const area = this.#core.randomArea();
    this.#chances.set(new Uint32Array(area.buffer, area.byteOffset, this.#chances.length));
    area.fill(0);
    this.#left = this.#chances.length;
  }
}
