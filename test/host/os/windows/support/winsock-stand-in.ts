/**
 * What of Winsock carries datagrams, in memory and with a socket for each family, and a core around it: WSASendMsg, which makes datagrams of trains
 * (USO), and WSARecvMsg by DispCallFunc, which makes trains of datagrams (URO), where these options are known. By Microsoft's pages on the
 * options of IPPROTO_UDP, whose numbers stand here once more.
 */
import { TX_BYTES, TX_PEER } from "../../../../../assembly/abi.ts";
import type { Core } from "../../../../../host/core/core.ts";
import { viewsOf } from "../../../../../host/core/records/memory.ts";
import { pathLocalAt, setPathInterface, writeEndpoint } from "../../../../../host/core/records/path.ts";
import { fillTx, txPath } from "../../../../../host/core/records/tx.ts";
import { ERROR } from "../../../../../host/ffi/windows/constants.ts";
import { VARIANT, WSABUF, WSACMSGHDR, WSAMSG } from "../../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../../host/ffi/windows/win32.ts";
import { Areas } from "../../../../../host/os/windows/areas.ts";
import { Udp, type UdpOptions } from "../../../../../host/os/windows/udp.ts";

const IPPROTO_UDP = 17;
/** Options, and the control message of trains that were made. */
const [SEND_MSG_SIZE, RECV_MAX_COALESCED_SIZE, COALESCED_INFO] = [2, 3, 3];
/** Receive ECN, and what its control message is; the type of service without it. */
const [ECN, TOS] = ["0/50", "0/3"];
/** Options that are newer than Windows 10, by "level/option" of IPv4 and IPv6; Wine has none of all these. */
export const WINDOWS_11 = [ECN, "41/50"];
export const WINDOWS_10_2004 = [`${IPPROTO_UDP}/${SEND_MSG_SIZE}`, `${IPPROTO_UDP}/${RECV_MAX_COALESCED_SIZE}`];
/** What comes in comes to here, by this interface. */
export const LOCAL = { address: [198, 51, 100, 9], interface: 3 } as const;
const SOCKETS = { v4: 4, v6: 6 } as const;
const PORT = 51820;
/** Where the pieces of linear memory are. */
export const AT = {
  ioControl: 0x1000,
  rxDescriptors: 0x14000,
  tx: 0x16000,
  txBuffers: 0x20000,
  rxBuffers: 0x40000,
} as const;
const PAGES = 16;

/** What a call of WSASendMsg was given. */
export interface Message {
  readonly bytes: Uint8Array;
  /** Control messages but for the size of datagrams: "level/type", and the first 32 bits of the data. */
  readonly options: ReadonlyMap<string, number>;
  /** Size of its datagrams; 0 for one. */
  readonly segment: number;
}

/** Comes in over IPv4. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly port?: number;
  readonly tos?: number;
}

export interface Train {
  readonly bytes: Uint8Array;
  readonly segment: number;
  readonly peer?: number;
  /** Traffic class, and above it the hop limit. */
  readonly tos?: number;
  /** Of either family. */
  readonly to?: readonly number[];
  /** Has a source address, of interface 3. */
  readonly source?: readonly number[];
}

export class WinsockStandIn {
  readonly udp: Udp;
  readonly core: Core;
  readonly win: Win32;
  readonly areas: Areas;
  readonly messages: Message[] = [];
  /** On the wire. */
  readonly sent: Uint8Array[] = [];
  readonly options = new Map<string, number>();
  /** An error for a call. */
  refuse: (message: Message) => number = () => 0;
  #lastError = 0;
  /** Some machines make trains and do not say of what. */
  tellsSizes = true;
  readonly log: string[] = [];
  readonly drained: number[] = [];
  #waiting: Arrival[] = [];
  readonly #lacks: readonly string[];
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  /** @param lacks options that it does not know */
  constructor(lacks: readonly string[] = [], options: Partial<UdpOptions> = {}) {
    this.#lacks = lacks;
    const memory = new WebAssembly.Memory({ initial: PAGES });
    const [views, view] = [viewsOf(memory), new DataView(memory.buffer)];
    this.#view = view;
    this.#bytes = views.bytes;
    const wipe = (at: number, length: number): unknown => views.bytes.fill(0, at, at + length);
    const tx = (index: number): number => AT.tx + TX_BYTES * index;
    this.core = { memory, views, view, at: AT, wipe, tx } as unknown as Core;
    const scratch = { bytes: views.bytes, view, at: (position: number) => position };
    const automation = {
      DispCallFunc: (...args: (number | bigint)[]) => this.#receive(Number(args[6]), Number(args[7])),
    };
    const sockets = this.#sockets();
    this.win = { memory, base: 0n, scratch, sockets, automation, makeEvent: () => 1 } as unknown as Win32;
    this.areas = new Areas(this.core);
    this.udp = new Udp({
      ...{ core: this.core, win: this.win, areas: this.areas, ...options },
      drained: (family) => void this.drained.push(family),
      log: (_level, line) => void this.log.push(line),
    });
    this.udp.replace(this.udp.bind(PORT));
  }

  #fail(error: number): number {
    this.#lastError = error;
    return error === 0 ? 0 : -1;
  }

  #sockets(): Record<string, (...args: number[]) => number> {
    const done = (): number => 0;
    return {
      ...{ WSAStartup: done, WSAIoctl: done, WSAEventSelect: done, bind: done, closesocket: done },
      WSAGetLastError: () => this.#lastError,
      WSASocketW: (family) => (family === 2 ? SOCKETS.v4 : SOCKETS.v6),
      getsockname: (_socket, name) => {
        this.#view.setUint16(name! + 2, PORT, false);
        return 0;
      },
      setsockopt: (_socket, level, option, value) => {
        const name = `${level}/${option}`;
        if (this.#lacks.includes(name)) return this.#fail(ERROR.WSAENOPROTOOPT);
        this.options.set(name, this.#view.getUint32(value!, true));
        return 0;
      },
      WSASendMsg: (_socket, header) => {
        const message = this.#read(header!);
        this.messages.push(message);
        const error = this.refuse(message);
        if (error === 0) this.#send(message);
        return this.#fail(error);
      },
    };
  }

  #pointer(field: number): number {
    return Number(this.#view.getBigUint64(field, true));
  }

  #read(header: number): Message {
    const buffer = this.#pointer(header + WSAMSG.buffers);
    const at = this.#pointer(buffer + WSABUF.buffer);
    const bytes = this.#bytes.slice(at, at + this.#view.getUint32(buffer + WSABUF.length, true));
    const options = new Map<string, number>();
    const control = this.#pointer(header + WSAMSG.control);
    const end = control + this.#view.getUint32(header + WSAMSG.controlLength, true);
    for (let at = control; at < end; ) {
      const [level, type] = [WSACMSGHDR.level, WSACMSGHDR.type].map((field) => this.#view.getUint32(at + field, true));
      options.set(`${level}/${type}`, this.#view.getUint32(at + WSACMSGHDR.BYTES, true));
      at += (Number(this.#view.getBigUint64(at, true)) + 7) & ~7;
    }
    const key = `${IPPROTO_UDP}/${SEND_MSG_SIZE}`;
    const segment = options.get(key) ?? 0;
    options.delete(key);
    return { bytes, options, segment };
  }

  #send({ bytes, segment }: Message): void {
    for (let at = 0; at < bytes.length; at += segment || bytes.length)
      this.sent.push(bytes.slice(at, at + (segment || bytes.length)));
  }

  arrive(...datagrams: readonly Arrival[]): void {
    this.#waiting.push(...datagrams);
  }

  /** What one receive gets: one datagram, or those that look alike and of which only the last may be shorter. */
  #takeTrain(room: number): { readonly datagrams: readonly Arrival[]; readonly length: number } {
    const [first] = this.#waiting;
    const datagrams: Arrival[] = [];
    let length = 0;
    for (const one of this.#waiting) {
      const before = datagrams.at(-1);
      const isAlike = one.port === first!.port && one.tos === first!.tos;
      const fits = isAlike && length + one.bytes.length <= room && one.bytes.length <= first!.bytes.length;
      if (before !== undefined && !(fits && before.bytes.length === first!.bytes.length)) break;
      datagrams.push(one);
      length += one.bytes.length;
    }
    this.#waiting = this.#waiting.slice(datagrams.length);
    return { datagrams, length };
  }

  /** WSARecvMsg(socket, message, &received, …), called with pointers to VARIANTs. */
  #receive(pointers: number, result: number): number {
    const argument = (index: number): number => this.#pointer(this.#pointer(pointers + 8 * index) + VARIANT.value);
    const isV4 = argument(0) === SOCKETS.v4;
    const fails = !isV4 || this.#waiting.length === 0;
    this.#view.setInt32(result + VARIANT.value, this.#fail(fails ? ERROR.WSAEWOULDBLOCK : 0), true);
    if (fails) return 0;
    const { datagrams, length } = this.#takeTrain(this.options.get(`${IPPROTO_UDP}/${RECV_MAX_COALESCED_SIZE}`) ?? 0);
    this.#view.setUint32(argument(2), length, true);
    this.#write(argument(1), datagrams);
    return 0;
  }

  #write(header: number, datagrams: readonly Arrival[]): void {
    const [{ bytes: first, port = 1, tos = 0 }] = datagrams as [Arrival];
    const view = this.#view;
    this.#bytes.set(
      Buffer.concat(datagrams.map(({ bytes }) => bytes)),
      this.#pointer(this.#pointer(header + WSAMSG.buffers) + WSABUF.buffer),
    );
    const name = this.#pointer(header + WSAMSG.name);
    view.setUint16(name, 2, true);
    view.setUint16(name + 2, port, false);
    this.#bytes.set([192, 0, 2, 1], name + 4);
    const control = this.#pointer(header + WSAMSG.control);
    let at = control;
    const put = (level: number, type: number, ...words: number[]): void => {
      view.setBigUint64(at, BigInt(WSACMSGHDR.BYTES + 4 * words.length), true);
      view.setUint32(at + WSACMSGHDR.level, level, true);
      view.setUint32(at + WSACMSGHDR.type, type, true);
      for (const [i, word] of words.entries()) view.setUint32(at + WSACMSGHDR.BYTES + 4 * i, word, true);
      at += WSACMSGHDR.BYTES + 8 * Math.ceil(words.length / 2);
    };
    put(0, 19, Buffer.from(LOCAL.address).readUInt32LE(), LOCAL.interface);
    const [level, type] = (this.options.has(ECN) ? ECN : TOS).split("/").map(Number) as [number, number];
    put(level, type, this.options.has(ECN) ? tos & 3 : tos);
    if (datagrams.length > 1 && this.tellsSizes) put(IPPROTO_UDP, COALESCED_INFO!, first.length);
    view.setUint32(header + WSAMSG.controlLength, at - control, true);
    view.setUint32(header + WSAMSG.flags, 0, true);
  }

  /** Put these where the core has what it wants sent. */
  fill(...trains: readonly Train[]): number {
    let at: number = AT.txBuffers;
    for (const [index, { bytes, segment, peer = 0, tos = 0, to = [192, 0, 2, 1], source }] of trains.entries()) {
      const { views } = this.core;
      const record = this.core.tx(index);
      const path = txPath(record);
      views.bytes.set(bytes, at);
      fillTx(views, record, at, bytes.length, segment, tos);
      this.#view.setUint32(record + TX_PEER, peer, true);
      writeEndpoint(views, path, { address: Uint8Array.from(to), port: 1, scope: 0 });
      views.bytes.set(source ?? [0, 0, 0, 0], pathLocalAt(path));
      setPathInterface(views, path, source === undefined ? 0 : 3);
      at += bytes.length;
    }
    return trains.length;
  }
}
