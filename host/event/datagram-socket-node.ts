/** A socket of node:dgram, which Node, Deno and Bun have. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { doublesSocketBuffers, runtime } from "../platform.ts";
import type { DatagramSocket, SocketEvents, SocketOptions } from "./datagram-socket.ts";
import { Liveness } from "./liveness.ts";
import { TrainCopy } from "./train-copy.ts";

/** Asked of the system, which may grant less; the default overflows within milliseconds. */
const SOCKET_BUFFER_BYTES = 4 << 20;
/** Bytes given to the socket and not confirmed yet; more is dropped. */
const UNSENT_BYTES = 4 << 20;
/** From where on no more should come, and when it may again. */
const FULL_BYTES = UNSENT_BYTES / 2;
const DRAINED_BYTES = UNSENT_BYTES / 4;
/** What Deno allocates, and fills with zeros, for each datagram that it receives: in steps of the first, at most the second. */
const DENO_RECEIVE_BYTES = 2048;
const DENO_RECEIVE_BYTES_MAX = 65_536;
/** What Deno says a socket's buffer has at first, wherever it runs, as long as it means those allocations. */
const DENO_BUFFER_BYTES = 65_536;

/** Whether datagrams are mostly sent while `send` runs: Node tries it. */
export function sendsAtOnce(): boolean {
  return runtime() === "node";
}

/** @throws what the runtime says, with its code */
export async function openNodeSocket(options: SocketOptions): Promise<DatagramSocket> {
  const { family, address, port, longest, events } = options;
  const socket = createSocket({
    type: family === 4 ? "udp4" : "udp6",
    ipv6Only: family === 6,
    // Addresses are numeric always; node:dgram would look each of them up again, one turn later.
    lookup: (host, _options, done) => done(null, host, family),
  });
  // Deno keeps the process alive for a receive that has begun, whatever it is told later: there a timer keeps it.
  const isDeno = runtime() === "deno";
  if (isDeno) socket.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ port, address, exclusive: true }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    const received: Received = (datagram, sender) => {
      events.received(datagram, sender.address, sender.port);
      giveBack(datagram);
    };
    socket.on("message", isDeno ? growing(socket, received, longest) : received);
    socket.on("error", (error) => events.failed(error));
    if (!isDeno) enlargeBuffers(socket);
    return new NodeSocket(socket, events, isDeno ? new Liveness("ref") : undefined);
  } catch (error) {
    closeQuietly(socket);
    throw error;
  }
}

type Confirmed = (error: Error | null) => void;
type Received = (datagram: Uint8Array, sender: RemoteInfo) => void;

class NodeSocket implements DatagramSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  /** Undefined where the socket itself keeps the process alive. */
  readonly #liveness: Liveness | undefined;
  readonly #trains = new TrainCopy();
  #unsentBytes = 0;
  #isFull = false;
  /** Of datagrams of one length, which most of them have. */
  #confirmed: Confirmed = () => {};
  #confirmedBytes = 0;

  constructor(socket: Socket, events: SocketEvents, liveness: Liveness | undefined) {
    this.port = socket.address().port;
    this.#socket = socket;
    this.#events = events;
    this.#liveness = liveness;
  }

  send(datagram: Uint8Array, port: number, address: string): boolean {
    const { length } = datagram;
    if (this.#unsentBytes + length > UNSENT_BYTES) return false;
    this.#unsentBytes += length;
    try {
      this.#socket.send(datagram, port, address, this.#confirmation(length));
    } catch {
      // What a runtime refuses at once it does not confirm.
      this.#unsentBytes -= length;
      return false;
    }
    if (this.#unsentBytes >= FULL_BYTES) {
      this.#isFull = true;
      this.#events.full();
    }
    return true;
  }

  #confirmation(bytes: number): Confirmed {
    if (bytes === this.#confirmedBytes) return this.#confirmed;
    this.#confirmedBytes = bytes;
    this.#confirmed = (error) => {
      this.#unsentBytes -= bytes;
      if (error !== null) this.#events.lost(error);
      if (!this.#isFull || this.#unsentBytes > DRAINED_BYTES) return;
      this.#isFull = false;
      this.#events.drained();
    };
    return this.#confirmed;
  }

  sendTrain(train: Uint8Array, segment: number, port: number, address: string): void {
    // A datagram that waits keeps all of the array alive that it is part of, and only its own bytes are counted.
    if (this.#mayWait()) return this.#sendAll(this.#trains.splitToKeep(train, segment), port, address);
    this.#sendAll(this.#trains.split(train, segment), port, address);
    if (this.#mayWait()) this.#trains.giveAway();
  }

  #sendAll(datagrams: readonly Uint8Array[], port: number, address: string): void {
    for (const datagram of datagrams) {
      if (!this.send(datagram, port, address)) this.#events.lost(undefined);
    }
  }

  /** Whether the system had no room for a datagram, which the runtime reads later then. */
  #mayWait(): boolean {
    try {
      return this.#socket.getSendQueueCount() > 0;
    } catch {
      return true; // It is closed.
    }
  }

  ref(): void {
    this.#keep("ref");
  }

  unref(): void {
    this.#keep("unref");
  }

  #keep(refs: "ref" | "unref"): void {
    if (this.#liveness === undefined) this.#socket[refs]();
    else this.#liveness.keep(refs);
  }

  close(): Promise<void> {
    this.#liveness?.end();
    for (const event of ["message", "error"]) this.#socket.removeAllListeners(event);
    this.#socket.on("error", () => {});
    return new Promise((resolve) => {
      try {
        this.#socket.close(() => resolve());
      } catch {
        resolve(); // It is closed.
      }
    });
  }
}

/** Node 20 cannot. */
type Detachable = ArrayBufferLike & { transfer?(bytes: number): ArrayBuffer };

/**
 * Give the memory of a datagram back that has been read, if all of it was its own. Node takes 64 KiB for each from the C library and returns what is
 * too much; when garbage is collected thousands are out. At once, the next datagram finds the same memory, still in the processor's cache.
 */
function giveBack({ buffer, length }: Uint8Array): void {
  if (length > 0 && buffer.byteLength === length) (buffer as Detachable).transfer?.(0);
}

/** Best effort. */
function enlargeBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  } catch {
    // The system's own sizes do as well, with more loss under load.
  }
}

/** In Deno: a datagram as long as there was room for may have been cut, and the next ones get more. */
function growing(socket: Socket, received: Received, longest: number): Received {
  // More than the longest, for one that fills the room may have been cut.
  const wanted = DENO_RECEIVE_BYTES * (Math.floor(longest / DENO_RECEIVE_BYTES) + 1);
  let room = Math.min(wanted, DENO_RECEIVE_BYTES_MAX);
  if (!makesRoom(socket, room)) return received;
  return (datagram, sender) => {
    if (datagram.length >= room && room < DENO_RECEIVE_BYTES_MAX) {
      room = DENO_RECEIVE_BYTES_MAX;
      setRoom(socket, room);
    }
    received(datagram, sender);
  };
}

/** @returns false where the size is of the system's buffer, which is not to be so small */
function makesRoom(socket: Socket, bytes: number): boolean {
  try {
    return socket.getRecvBufferSize() === DENO_BUFFER_BYTES && setRoom(socket, bytes);
  } catch {
    return false;
  }
}

/** @returns false when it could not be set */
function setRoom(socket: Socket, bytes: number): boolean {
  try {
    // As Linux does for a socket's buffer, twice of what is asked for is given.
    socket.setRecvBufferSize(doublesSocketBuffers() ? bytes / 2 : bytes);
    return true;
  } catch {
    return false;
  }
}

/** A socket that is of no use: some runtimes have closed it already, and say so by throwing. */
function closeQuietly(socket: Socket): void {
  socket.on("error", () => {});
  try {
    socket.close();
  } catch {
    // It is closed.
  }
}
