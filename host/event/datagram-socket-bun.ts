/**
 * A socket of `Bun.udpSocket`: many datagrams in one call, by sendmmsg. Unlike others it hears what ICMP says of earlier datagrams
 * (IP_RECVERR), and tells it as an event, or as the failure of whatever is sent next: so each datagram is tried twice. Some
 * releases close the socket instead, and tell nobody.
 */
import { errorCode } from "../error-code.ts";
import type { DatagramSocket, SocketEvents, SocketOptions } from "./datagram-socket.ts";
import { TrainCopy } from "./train-copy.ts";

/** Of its `flags`: the port is nobody else's, and an IPv6 socket is for IPv6 only. */
const EXCLUSIVE_PORT = 1;
const IPV6_ONLY = 8;

/** No room. Bun before 1.4 throws the first, on Linux; macOS has the others for a queue of the interface that is full. */
const FULL_CODES: ReadonlySet<unknown> = new Set(["EAGAIN", "EWOULDBLOCK", "ENOBUFS", "ENOMEM"]);
/** Who threw tells of no room later. The time is that of the fast driver (host/direct). */
const FULL_MS = 2;
/** Who took less than there was tells of room with `drain`, within milliseconds on a fast link; some releases forget to. */
const FORGOTTEN_DRAIN_MS = 20;
/** What the system makes of ICMP and ICMPv6 errors, which are of a datagram and not of the socket; Windows has the last. */
const ICMP_CODES: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENONET",
  "EMSGSIZE",
  "EACCES",
  "EPERM",
  "EPROTO",
  "ENOPROTOOPT",
  "EOPNOTSUPP",
  "ECONNRESET",
]);

interface BunSocketOptions {
  readonly hostname: string;
  readonly port: number;
  readonly flags: number;
  readonly socket: {
    data(socket: unknown, datagram: Uint8Array, port: number, address: string): void;
    /** @param args the last is the error */
    error(...args: unknown[]): void;
    drain(): void;
  };
}

/** Bytes, port and address of each. */
type Packet = Uint8Array | number | string;

interface BunUdpSocket {
  readonly port: number;
  readonly closed: boolean;
  /** @returns how many went; fewer when the buffer is full, or at an error */
  sendMany(packets: readonly Packet[]): number;
  ref(): void;
  unref(): void;
  close(): void;
}

type OpenSocket = (options: BunSocketOptions) => Promise<BunUdpSocket>;

function opener(): OpenSocket | undefined {
  return (globalThis as { Bun?: { udpSocket?: OpenSocket } }).Bun?.udpSocket;
}

export function hasBunSockets(): boolean {
  return opener() !== undefined;
}

/** Where there are any. @throws what the runtime says, with its code */
export async function openBunSocket({ family, address, port, events }: SocketOptions): Promise<DatagramSocket> {
  const socket = await opener()!({
    hostname: address,
    port,
    flags: EXCLUSIVE_PORT | (family === 6 ? IPV6_ONLY : 0),
    socket: {
      data: (_socket, datagram, senderPort, sender) => events.received(datagram, sender, senderPort),
      error: (...args) => {
        const error = args.at(-1);
        // Of a datagram that was sent: elsewhere nobody is told.
        if (!ICMP_CODES.has(errorCode(error))) events.failed(error);
      },
      drain: () => events.drained(),
    },
  });
  return new BunSocket(socket, events);
}

class BunSocket implements DatagramSocket {
  readonly port: number;
  readonly #socket: BunUdpSocket;
  readonly #events: SocketEvents;
  readonly #trains = new TrainCopy();
  /** "ended": by the runtime. */
  #state: "open" | "ended" | "closed" = "open";
  /** Until there may be room again. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: BunUdpSocket, events: SocketEvents) {
    this.port = socket.port;
    this.#socket = socket;
    this.#events = events;
  }

  send(datagram: Uint8Array, port: number, address: string): boolean {
    this.#send([datagram, port, address]);
    return true;
  }

  sendTrain(train: Uint8Array, segment: number, port: number, address: string): void {
    const packets: Packet[] = [];
    for (const datagram of this.#trains.split(train, segment)) packets.push(datagram, port, address);
    this.#send(packets);
  }

  #send(packets: readonly Packet[]): void {
    let refused = -1;
    for (let next = 0; next < packets.length; ) {
      const left = (packets.length - next) / 3;
      try {
        const sent = this.#socket.sendMany(next === 0 ? packets : packets.slice(next));
        if (sent === 0) return this.#full(left, FORGOTTEN_DRAIN_MS);
        next += 3 * sent;
      } catch (cause) {
        if (this.#socket.closed) return this.#ended(left, cause);
        if (FULL_CODES.has(errorCode(cause))) return this.#full(left, FULL_MS);
        if (refused === next) {
          this.#events.lost(cause);
          next += 3;
        } else {
          refused = next;
        }
      }
    }
  }

  #full(lost: number, roomInMs: number): void {
    for (let i = 0; i < lost; i++) this.#events.lost(undefined);
    // First, for who is told may close.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#events.drained();
    }, roomInMs);
    this.#events.full();
  }

  #ended(lost: number, cause: unknown): void {
    for (let i = 0; i < lost; i++) this.#events.lost(cause);
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#events.failed(cause);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}
