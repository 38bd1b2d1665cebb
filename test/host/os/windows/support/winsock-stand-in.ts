/**
 * What of Winsock carries datagrams, in memory and with a socket for each family: WSASendMsg, which makes datagrams of trains (USO) where that option is
 * known, and a core around it. By Microsoft's pages on the options of IPPROTO_UDP, whose numbers stand here once more.
 */
import { TX_BYTES, TX_PEER } from "../../../../../assembly/abi.ts";
import type { Core } from "../../../../../host/core/core.ts";
import { viewsOf } from "../../../../../host/core/records/memory.ts";
import { pathLocalAt, setPathInterface, writeEndpoint } from "../../../../../host/core/records/path.ts";
import { fillTx, txPath } from "../../../../../host/core/records/tx.ts";
import { ERROR } from "../../../../../host/ffi/windows/constants.ts";
import { WSABUF, WSACMSGHDR, WSAMSG } from "../../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../../host/ffi/windows/win32.ts";
import { Areas } from "../../../../../host/os/windows/areas.ts";
import { Udp, type UdpOptions } from "../../../../../host/os/windows/udp.ts";

const IPPROTO_UDP = 17;
const SEND_MSG_SIZE = 2;
const PORT = 51820;
/** Where the pieces of linear memory are. */
const AT = { ioControl: 0x1000, rxDescriptors: 0x14000, tx: 0x16000, txBuffers: 0x20000, rxBuffers: 0x40000 } as const;
const PAGES = 16;

/** What a call of WSASendMsg was given. */
export interface Message {
  readonly bytes: Uint8Array;
  /** Control messages but for the size of datagrams: "level/type", and the first 32 bits of the data. */
  readonly options: ReadonlyMap<string, number>;
  /** Size of its datagrams; 0 for one. */
  readonly segment: number;
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
  readonly #known: readonly number[];
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  /** @param known options at IPPROTO_UDP: none in Wine, and before Windows 10, version 2004 */
  constructor(known: readonly number[] = [SEND_MSG_SIZE], options: Partial<UdpOptions> = {}) {
    this.#known = known;
    const memory = new WebAssembly.Memory({ initial: PAGES });
    const [views, view] = [viewsOf(memory), new DataView(memory.buffer)];
    this.#view = view;
    this.#bytes = views.bytes;
    const wipe = (at: number, length: number): unknown => views.bytes.fill(0, at, at + length);
    const tx = (index: number): number => AT.tx + TX_BYTES * index;
    this.core = { memory, views, view, at: AT, wipe, tx } as unknown as Core;
    const scratch = { bytes: views.bytes, view, at: (position: number) => position };
    this.win = { memory, base: 0n, scratch, sockets: this.#sockets(), makeEvent: () => 1 } as unknown as Win32;
    this.areas = new Areas(this.core);
    this.udp = new Udp({ core: this.core, win: this.win, areas: this.areas, drained: () => undefined, ...options });
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
      WSASocketW: (family) => (family === 2 ? 4 : 6),
      getsockname: (_socket, name) => {
        this.#view.setUint16(name! + 2, PORT, false);
        return 0;
      },
      setsockopt: (_socket, level, option, value) => {
        if (level === IPPROTO_UDP && !this.#known.includes(option!)) return this.#fail(ERROR.WSAENOPROTOOPT);
        this.options.set(`${level}/${option}`, this.#view.getUint32(value!, true));
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
