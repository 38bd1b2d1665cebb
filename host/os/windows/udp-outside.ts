/**
 * The UDP sockets as the outside of a lane. A train is one message where Windows makes datagrams of it (USO); elsewhere, and where that is
 * refused, each of its datagrams is sent by a call of its own.
 */
import { TX_TRAINS } from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";
import { clearSource, hasSource, pathFamily } from "../../core/records/path.ts";
import { txHops, txLength, txOffset, txPath, txPeer, txSegment, txTos } from "../../core/records/tx.ts";
import { ERROR, errorName } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { Outside } from "../../lane/ports.ts";
import type { Log } from "../machine.ts";
import { describeRefusal, RefusedTrains } from "../refused-trains.ts";
import type { Areas } from "./areas.ts";
import { Message } from "./message.ts";
import type { Udp } from "./udp.ts";

/** What a source address or interface that went away makes a send say. */
const SOURCE_ERRORS: ReadonlySet<number> = new Set([
  ERROR.WSAEINVAL,
  ERROR.WSAEADDRNOTAVAIL,
  ERROR.WSAENETUNREACH,
  ERROR.WSAEHOSTUNREACH,
]);
/** A send failed, and the runtime has called Windows since: why is not known any more. */
const UNKNOWN = -1;
/** What older versions say to a traffic class in a control message. */
const CLASS_ERRORS: ReadonlySet<number> = new Set([ERROR.WSAEINVAL, ERROR.WSAEOPNOTSUPP]);
/** Fields of ECN (RFC 3168, §5). */
const [ECN_MASK, ECT_0, CE] = [3, 2, 3];
/** What a train may be refused with whose datagrams are taken one by one. */
const TRAIN_ERRORS: ReadonlySet<number> = new Set([
  ...[ERROR.WSAEINVAL, ERROR.WSAEMSGSIZE, ERROR.WSAENOPROTOOPT, ERROR.WSAEOPNOTSUPP],
  UNKNOWN,
]);

export interface UdpOutsideOptions {
  readonly core: Core;
  readonly win: Win32;
  readonly udp: Pick<Udp, "receive" | "segmentation" | "sendingSocket">;
  readonly areas: Areas;
  readonly log: Log;
  /** Milliseconds. Default performance.now. */
  readonly clock?: () => number;
}

export class UdpOutside implements Outside {
  /** The system's buffer is what there is; what it does not take is dropped and counted. */
  readonly hasRoom = true;
  readonly #core: Core;
  readonly #win: Win32;
  readonly #udp: UdpOutsideOptions["udp"];
  readonly #log: Log;
  readonly #message: Message;
  readonly #sent: Address;
  /** Per descriptor of the last `send`. */
  readonly #errors = new Int32Array(TX_TRAINS);
  readonly #sourceCleared = new Uint8Array(TX_TRAINS);
  readonly #refused: RefusedTrains;
  /** Errors that trains were refused with. */
  readonly #told = new Set<number>();
  /** Windows takes traffic classes. */
  #classes = true;

  constructor({ core, win, udp, areas, log, clock }: UdpOutsideOptions) {
    this.#core = core;
    this.#win = win;
    this.#udp = udp;
    this.#log = log;
    this.#refused = new RefusedTrains(clock);
    this.#message = new Message(core, win.base, areas);
    this.#sent = areas.take(4);
  }

  receive(family: 4 | 6, most: number): number {
    return this.#udp.receive(family, this.#core.at.rxDescriptors, most);
  }

  send(count: number): number {
    let incidents = 0;
    for (let i = 0; i < count; i++) {
      this.#errors[i] = 0;
      this.#sourceCleared[i] = 0;
      this.#sendTrain(i);
      if (this.#errors[i] !== 0 || this.#sourceCleared[i] !== 0) incidents++;
    }
    return incidents;
  }

  #sendTrain(index: number): void {
    const { views } = this.#core;
    const record = this.#core.tx(index);
    const socket = this.#udp.sendingSocket(pathFamily(views, txPath(record)) === 4 ? 4 : 6);
    if (socket < 0) {
      this.#errors[index] = ERROR.WSAEADDRNOTAVAIL;
      return;
    }
    const whole = this.#goesWhole(record);
    this.#errors[index] = whole ? this.#sendWhole(socket, record, index) : this.#sendSingly(socket, record, index);
  }

  #goesWhole(record: Address): boolean {
    const { views } = this.#core;
    const length = txLength(views, record);
    const isTrain = (txSegment(views, record) || length) < length;
    return isTrain && this.#udp.segmentation && !this.#refused.includes(txPeer(views, record));
  }

  /** As one message. What refuses a train may have another reason: it is one when the datagrams are taken singly, as they are. */
  #sendWhole(socket: number, record: Address, index: number): number {
    const { views } = this.#core;
    const segment = txSegment(views, record);
    this.#address(record, segment);
    this.#message.setBytes(txOffset(views, record), txLength(views, record));
    const refusal = this.#sendBytes(socket, record, index, segment);
    if (!TRAIN_ERRORS.has(refusal)) return refusal;
    const classes = this.#classes;
    const error = this.#sendSingly(socket, record, index);
    if (error === 0 && this.#sourceCleared[index] === 0 && classes === this.#classes) this.#note(record, refusal);
    return error;
  }

  #note(record: Address, refusal: number): void {
    this.#refused.note(txPeer(this.#core.views, record));
    if (this.#told.has(refusal)) return;
    this.#told.add(refusal);
    this.#log("error", describeRefusal(refusal === UNKNOWN ? "an error" : errorName(refusal)));
  }

  /** @returns 0, or the error of the last datagram that was not sent */
  #sendSingly(socket: number, record: Address, index: number): number {
    const { views } = this.#core;
    const length = txLength(views, record);
    const segment = txSegment(views, record) || length;
    let failure = 0;
    this.#address(record, 0);
    for (let at = 0; at < length; at += segment) {
      this.#message.setBytes(txOffset(views, record) + at, Math.min(segment, length - at));
      const error = this.#sendBytes(socket, record, index, 0);
      if (error !== 0) failure = error;
      // Its buffer is full: the rest would fare no better.
      if (error === ERROR.WSAEWOULDBLOCK) break;
    }
    return failure;
  }

  #address(record: Address, segment: number): void {
    const { views } = this.#core;
    const path = txPath(record);
    const source = hasSource(views, path) ? "from source" : "from any";
    const tos = this.#classes ? withoutMark(txTos(views, record)) : 0;
    this.#message.address(path, source, tos, txHops(views, record), segment);
  }

  /** Without its source, or its class, where Windows takes it only so. @returns 0, or the error */
  #sendBytes(socket: number, record: Address, index: number, segment: number): number {
    const error = this.#call(socket);
    if (error === 0 || (segment !== 0 && TRAIN_ERRORS.has(error))) return error;
    const { views } = this.#core;
    const path = txPath(record);
    if (hasSource(views, path) && SOURCE_ERRORS.has(error)) {
      clearSource(views, path);
      this.#sourceCleared[index] = 1;
    } else if (this.#classes && txTos(views, record) !== 0 && CLASS_ERRORS.has(error)) {
      this.#classes = false;
    } else {
      return error;
    }
    this.#address(record, segment);
    return this.#sendBytes(socket, record, index, segment);
  }

  #call(socket: number): number {
    const { WSASendMsg, WSAGetLastError } = this.#win.sockets;
    return WSASendMsg(socket, this.#message.header, 0, this.#sent, 0, 0) === 0 ? 0 : WSAGetLastError() || UNKNOWN;
  }

  refused(index: number): boolean {
    return this.#errors[index] !== 0;
  }

  lostSource(index: number): boolean {
    return this.#sourceCleared[index] === 1;
  }
}

/**
 * Windows sends no mark of congestion for anybody: it refuses one as it does a class that it does not know. As from the kernel ECT(0) goes out
 * instead, and the packet within keeps its mark (RFC 3168, §9.1.1).
 */
function withoutMark(tos: number): number {
  return (tos & ECN_MASK) === CE ? (tos & ~ECN_MASK) | ECT_0 : tos;
}
