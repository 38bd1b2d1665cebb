/** Tells handshakes and roaming of peers by comparing what the engine shows of them, and only while someone listens. */
import { PATH_REMOTE_BYTES } from "../../core/records/path.ts";
import type { Engine } from "../../device/engine.ts";
import type { WallTime } from "../../device/instant.ts";
import type { Peer } from "../../device/peer.ts";

const ENDPOINT_WORDS = PATH_REMOTE_BYTES / 4;

interface Seen {
  readonly handshake: WallTime;
  readonly endpoint: Uint32Array;
}

export interface PeerWatchEvents {
  handshake(peer: Peer): void;
  endpoint(peer: Peer): void;
}

export class PeerWatch {
  readonly #engine: Engine;
  readonly #events: PeerWatchEvents;
  #seen = new WeakMap<Peer, Seen>();

  constructor(engine: Engine, events: PeerWatchEvents) {
    this.#engine = engine;
    this.#events = events;
    for (const peer of engine.peers()) this.note(peer);
  }

  /** The peer is new, or was configured: its present state is no event. */
  note(peer: Peer): void {
    this.#seen.set(peer, { handshake: peer.lastHandshake(), endpoint: this.#endpoint(peer) });
  }

  #endpoint(peer: Peer): Uint32Array {
    const { core } = this.#engine;
    const first = peer.path >>> 2;
    return core.words.slice(first, first + ENDPOINT_WORDS);
  }

  /** The engine was at work. Listeners may change the configuration. */
  look(): void {
    for (const peer of [...this.#engine.peers()]) {
      const seen = this.#seen.get(peer);
      const endpoint = this.#endpoint(peer);
      const handshake = peer.lastHandshake();
      const shook = seen !== undefined && handshake !== seen.handshake;
      const moved = seen !== undefined && endpoint.some((word, i) => word !== seen.endpoint[i]);
      if (seen !== undefined && !shook && !moved) continue;
      this.#seen.set(peer, { handshake, endpoint });
      if (moved && peer.alive) this.#events.endpoint(peer);
      if (shook && peer.alive) this.#events.handshake(peer);
    }
  }
}
