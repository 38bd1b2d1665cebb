/**
 * A socket of `Bun.udpSocket`: many datagrams in one call, by sendmmsg. Unlike others it hears what ICMP says of earlier datagrams
 * (IP_RECVERR), and tells it as an event, or as the failure of whatever is sent next: so each datagram is tried twice.
 */
import type { DatagramSocket, SocketEvents, SocketOptions } from "./datagram-socket.ts";

/** Of its `flags`: the port is nobody else's, and an IPv6 socket is for IPv6 only. */
const EXCLUSIVE_PORT = 1;
const IPV6_ONLY = 8;

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
        // What the system says is of a datagram that was sent, and elsewhere nobody is told.
        if (!(error instanceof Error && "errno" in error)) events.failed(error);
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

  constructor(socket: BunUdpSocket, events: SocketEvents) {
    this.port = socket.port;
    this.#socket = socket;
    this.#events = events;
  }

  send(datagram: Uint8Array, port: number, address: string): boolean {
    this.sendTrain(datagram, datagram.length, port, address);
    return true;
  }

  sendTrain(train: Uint8Array, segment: number, port: number, address: string): void {
    const packets: Packet[] = [];
    for (let at = 0; at < train.length; at += segment) packets.push(train.subarray(at, at + segment), port, address);
    let refused = -1;
    for (let next = 0; next < packets.length; ) {
      try {
        const sent = this.#socket.sendMany(next === 0 ? packets : packets.slice(next));
        if (sent === 0) return this.#full((packets.length - next) / 3);
        next += 3 * sent;
      } catch (cause) {
        if (refused === next) {
          this.#events.lost(cause);
          next += 3;
        } else {
          refused = next;
        }
      }
    }
  }

  #full(lost: number): void {
    for (let i = 0; i < lost; i++) this.#events.lost(undefined);
    this.#events.full();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  async close(): Promise<void> {
    this.#socket.close();
  }
}
