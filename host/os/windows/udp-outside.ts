/** The UDP sockets as the outside of a lane. Each datagram of a train is sent by a call of its own. */
import { TX_TRAINS } from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";
import { clearSource, hasSource, pathFamily } from "../../core/records/path.ts";
import { txHops, txLength, txOffset, txPath, txSegment, txTos } from "../../core/records/tx.ts";
import { ERROR } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { Outside } from "../../lane/ports.ts";
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

export class UdpOutside implements Outside {
  /** The system's buffer is what there is; what it does not take is dropped and counted. */
  readonly hasRoom = true;
  readonly #core: Core;
  readonly #win: Win32;
  readonly #udp: Udp;
  readonly #message: Message;
  readonly #sent: Address;
  /** Per descriptor of the last `send`. */
  readonly #errors = new Int32Array(TX_TRAINS);
  readonly #sourceCleared = new Uint8Array(TX_TRAINS);
  /** Windows takes traffic classes. */
  #classes = true;

  constructor(core: Core, win: Win32, udp: Udp, areas: Areas) {
    this.#core = core;
    this.#win = win;
    this.#udp = udp;
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
    const length = txLength(views, record);
    const segment = txSegment(views, record) || length;
    this.#address(record);
    for (let at = 0; at < length; at += segment) {
      this.#message.setBytes(txOffset(views, record) + at, Math.min(segment, length - at));
      const error = this.#sendOne(socket, record, index);
      if (error !== 0) this.#errors[index] = error;
      // Its buffer is full: the rest would fare no better.
      if (error === ERROR.WSAEWOULDBLOCK) return;
    }
  }

  #address(record: Address): void {
    const { views } = this.#core;
    const path = txPath(record);
    const tos = this.#classes ? txTos(views, record) : 0;
    this.#message.address(path, hasSource(views, path) ? "from source" : "from any", tos, txHops(views, record));
  }

  /** Without its source, or its class, where Windows takes it only so. @returns 0, or the error */
  #sendOne(socket: number, record: Address, index: number): number {
    const { views } = this.#core;
    const path = txPath(record);
    const error = this.#call(socket);
    if (error !== 0 && hasSource(views, path) && SOURCE_ERRORS.has(error)) {
      clearSource(views, path);
      this.#sourceCleared[index] = 1;
    } else if (error !== 0 && this.#classes && txTos(views, record) !== 0 && CLASS_ERRORS.has(error)) {
      this.#classes = false;
    } else {
      return error;
    }
    this.#address(record);
    return this.#sendOne(socket, record, index);
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
