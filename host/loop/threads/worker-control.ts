/**
 * A worker decides nothing: what its lane asks, it notes in the core for thread 0, or sends there as a letter. When a ring is full,
 * the packet is dropped and counted.
 */
import {
  DROP_HANDSHAKE_QUEUE,
  DROP_STAGED,
  EVENT_CONFIRMED,
  EVENT_PATH,
  EVENT_PATH_OFFERED,
  EVENT_REKEY,
  EVENT_SENT,
} from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";
import { peerEvents } from "../../core/records/peer.ts";
import { QUEUED_BYTES } from "../../core/records/queued.ts";
import type { Control } from "../../lane/ports.ts";
import { type ChannelWriter, LETTER } from "./channel.ts";
import type { Turnstile } from "./gate.ts";

/** A new key is to be used, a new path looked at. */
const URGENT = EVENT_CONFIRMED | EVENT_PATH | EVENT_PATH_OFFERED;

export class WorkerControl implements Control {
  readonly #core: Core;
  readonly #channel: ChannelWriter;
  readonly #turnstile: Turnstile;

  constructor(core: Core, channel: ChannelWriter, turnstile: Turnstile) {
    this.#core = core;
    this.#channel = channel;
    this.#turnstile = turnstile;
  }

  /** Thread 0 has the timers. */
  tell(): void {}

  sent(peer: number): void {
    this.#core.exports.noteEvent(peer, EVENT_SENT);
  }

  wantsRekey(peer: number): void {
    this.#core.exports.noteEvent(peer, EVENT_REKEY);
  }

  /** Thread 0 routes it anew: by then there may be a session. */
  unsent(_status: number, _peer: number, vnet: Address, length: number): void {
    const sent = this.#channel.send(LETTER.packet, this.#core.bytes.subarray(vnet, vnet + length));
    if (!sent) this.#core.exports.countDrop(DROP_STAGED);
  }

  received(): void {
    this.nameTouched();
    this.#forwardHandshakes();
  }

  /** Tell which peers have events, each once until thread 0 has looked. */
  nameTouched(): void {
    const core = this.#core;
    const first = core.at.touched >>> 2;
    const touched = core.exports.takeTouched();
    for (let i = 0; i < touched; i++) {
      const slot = core.words[first + i]!;
      const urgent = (peerEvents(core.views, core.peer(slot)) & URGENT) !== 0;
      this.#channel.name(slot, urgent ? "now" : "soon");
    }
  }

  #forwardHandshakes(): void {
    const { exports, bytes } = this.#core;
    for (let left = exports.queued(); left > 0; left--) {
      const entry = exports.firstQueued();
      const sent = this.#channel.send(LETTER.handshake, bytes.subarray(entry, entry + QUEUED_BYTES));
      if (!sent) exports.countDrop(DROP_HANDSHAKE_QUEUE);
      exports.dropQueued();
    }
  }

  sourceRefused(peer: number): void {
    this.#channel.sendNumber(LETTER.sourceRefused, peer);
  }

  get isWanted(): boolean {
    return this.#turnstile.wanted;
  }

  giveWay(): void {
    this.#turnstile.leave();
    this.#turnstile.enter();
  }
}
