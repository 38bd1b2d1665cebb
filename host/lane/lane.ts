/**
 * What one thread does with packets: inside → route → seal → outside, and outside → open → inside. The core does the work, on
 * whole batches in linear memory; a lane hands it over, and tells its Control what it cannot decide. Each thread has one lane, the
 * daemon's loop and the event driver as well: they wait, and call it.
 *
 *   outbound, inbound   carry what waits; both send at the end
 *   send                one packet of an inside that pushes; `flush` after the last one
 *   message, keepalive  what the engine itself sends; `flush` when it is done
 */
import {
  DROP_DOWN,
  DROP_LOOP,
  DROP_MALFORMED,
  DROP_SEND,
  RECEIVE_STALLED,
  RX_SLOTS,
  SEND_DONE,
  SEND_DONE_REKEY,
  SEND_LOOP,
  SEND_MALFORMED,
  SEND_MORE,
  SEND_STALLED,
  sendPeer,
  sendStatus,
  TX_TRAINS,
} from "../core/codes.ts";
import type { Address, Core, CoreExports } from "../core/core.ts";
import { txPeer } from "../core/records/tx.ts";
import type { Control, Inside, Outside } from "./ports.ts";

/** Calls to the outside's `receive` before others get their turn. */
const RECEIVES_PER_TURN = 4;
/** Trains that wait before they are sent although more could be read: the far end can start on them. */
const TRAINS_PER_FLUSH = 4;

/** Another thread helped with packets of this one and does not go on: they are neither here nor there, and so is the key. */
function stalled(): Error {
  return new Error("a thread that took packets of another does not go on");
}

export class Lane {
  readonly core: Core;
  readonly #exports: CoreExports;
  readonly #inside: Inside;
  readonly #outside: Outside;
  #control!: Control;
  #open = false;

  constructor(core: Core, inside: Inside, outside: Outside) {
    this.core = core;
    this.#exports = core.exports;
    this.#inside = inside;
    this.#outside = outside;
  }

  /** Who decides about what this lane cannot. Told once, before the first packet. */
  answerTo(control: Control): void {
    this.#control = control;
  }

  /** The interface is up: packets pass from now on. */
  open(): void {
    this.#open = true;
  }

  /** The interface is down: packets are dropped, and what waited to be sent is forgotten. */
  shut(): void {
    this.#open = false;
    this.#exports.clearTrains();
  }

  // ── inside → outside ───────────────────────────────────────────────────────────────────────────────────────

  /** Carry up to `most` packets of the inside, as far as the outside has room. @returns packets */
  outbound(now: number, most: number): number {
    const control = this.#control;
    const inside = this.#inside;
    const at = this.core.at.tunBuffer;
    control.tell(now);
    let count = 0;
    for (; count < most && this.#outside.hasRoom; count++) {
      const length = inside.read(at);
      if (length <= 0) break;
      this.#carry(at, length, now);
      if (this.#exports.trains() >= TRAINS_PER_FLUSH) this.flush();
      if (control.isWanted) this.#giveWay();
    }
    this.flush();
    return count;
  }

  /** Carry one packet, vnet header in front, `length` bytes in all; it goes out with the next flush. */
  send(vnet: Address, length: number, now: number): void {
    this.#control.tell(now);
    this.#carry(vnet, length, now);
  }

  #carry(vnet: Address, length: number, now: number): void {
    if (!this.#open) return this.#exports.countDrop(DROP_DOWN);
    let result = this.#exports.sendPacket(vnet, length, now);
    while (sendStatus(result) === SEND_MORE) {
      this.#makeRoom();
      result = this.#exports.sendMore();
    }
    const status = sendStatus(result);
    if (status === SEND_DONE) return this.#control.sent(sendPeer(result));
    if (status === SEND_DONE_REKEY) {
      this.#control.sent(sendPeer(result));
      return this.#control.wantsRekey(sendPeer(result));
    }
    if (status === SEND_MALFORMED) return this.#exports.countDrop(DROP_MALFORMED);
    if (status === SEND_LOOP) return this.#exports.countDrop(DROP_LOOP);
    if (status === SEND_STALLED) throw stalled();
    this.#control.unsent(status, sendPeer(result), vnet, length);
  }

  /** The core has one place for each train: when all are taken, send them. */
  #makeRoom(): void {
    if (this.#exports.trains() === TX_TRAINS) this.flush();
  }

  /** Send what waits to be sent. */
  flush(): void {
    const count = this.#exports.trains();
    if (count === 0) return;
    const incidents = this.#outside.send(count);
    for (let i = 0; i < count; i++) {
      if (incidents === 0) this.#exports.accountTrain(i);
      else this.#settle(i);
    }
    this.#exports.clearTrains();
  }

  /** Not all trains went as asked. */
  #settle(index: number): void {
    if (this.#outside.refused(index)) this.#exports.countDrop(DROP_SEND);
    else this.#exports.accountTrain(index);
    if (this.#outside.lostSource(index)) this.#control.sourceRefused(txPeer(this.core.views, this.core.tx(index)));
  }

  /** Send what waits, if any of it is for this peer: its slot may have another owner soon. */
  flushPeer(slot: number): void {
    for (let i = this.#exports.trains() - 1; i >= 0; i--) {
      if (txPeer(this.core.views, this.core.tx(i)) === slot) return this.flush();
    }
  }

  /** Another thread waits for this one. */
  #giveWay(): void {
    this.flush();
    this.#control.giveWay();
  }

  // ── what the engine sends ──────────────────────────────────────────────────────────────────────────────────

  /** A place for a handshake message to a peer; `commit` makes it a datagram. @param tos outer TOS or traffic class */
  message(peer: number, path: Address, tos: number): Address {
    this.#makeRoom();
    return this.#exports.openTrain(peer, path, tos);
  }

  /** The same for a message to nobody we know. */
  messageToNobody(path: Address): Address {
    this.#makeRoom();
    return this.#exports.openTrainToNobody(path);
  }

  /** The message in the place given out last is complete. */
  commit(length: number): void {
    this.#exports.commitTrain(length);
  }

  /** Seal a message without data. @returns SEND_… */
  keepalive(peer: number, now: number): number {
    this.#makeRoom();
    return sendStatus(this.#exports.sendKeepalive(peer, now));
  }

  /** Hand the inside a packet of the engine's own, vnet header in front. */
  inject(at: Address, length: number): void {
    this.#inside.inject(at, length);
  }

  // ── outside → inside ───────────────────────────────────────────────────────────────────────────────────────

  /** Carry what came in over one address family. @param most messages taken at once @returns messages */
  inbound(family: 4 | 6, now: number, most: number): number {
    let messages = 0;
    for (let i = 0; i < RECEIVES_PER_TURN; i++) {
      const count = this.#outside.receive(family, most);
      if (count <= 0) break;
      this.#receive(count, now);
      messages += count;
      if (count < RX_SLOTS) break;
      if (this.#control.isWanted) this.#giveWay();
    }
    return messages;
  }

  #receive(count: number, now: number): void {
    const control = this.#control;
    control.tell(now);
    if (!this.#open) return this.core.countDrops(DROP_DOWN, count);
    const writes = this.#exports.receive(count, now);
    if (writes === RECEIVE_STALLED) throw stalled();
    if (writes > 0) this.#inside.write(writes);
    control.received();
    this.flush();
  }
}
