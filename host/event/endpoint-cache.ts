/** The endpoint that each peer was last sent to, so that a datagram costs neither an object nor a text of its own. */
import type { Address, Core, Endpoint } from "../core/core.ts";
import { PATH_REMOTE_BYTES } from "../core/records/path.ts";
import { txPath, txPeer } from "../core/records/tx.ts";

const WORDS = PATH_REMOTE_BYTES / 4;

interface Entry {
  readonly words: Uint32Array;
  readonly endpoint: Endpoint;
}

export class EndpointCache {
  readonly #core: Core;
  /** By peer slot, so there are never more than peers. */
  readonly #entries = new Map<number, Entry>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** @param descriptor of a TX train @returns the same object for as long as the endpoint is the same */
  destination(descriptor: Address): Endpoint | undefined {
    const slot = txPeer(this.#core.views, descriptor);
    const path = txPath(descriptor);
    const known = this.#entries.get(slot);
    if (known !== undefined && this.#equals(path, known.words)) return known.endpoint;
    const endpoint = this.#core.readEndpoint(path);
    if (endpoint === undefined) return undefined;
    const first = path >>> 2;
    this.#entries.set(slot, { words: this.#core.words.slice(first, first + WORDS), endpoint });
    return endpoint;
  }

  #equals(path: Address, words: Uint32Array): boolean {
    const first = path >>> 2;
    for (let i = 0; i < WORDS; i++) if (this.#core.words[first + i] !== words[i]) return false;
    return true;
  }
}
