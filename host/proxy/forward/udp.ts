/**
 * Forwards of UDP: a local port to a target inside, and a port inside to a target of this machine. Each client has a socket
 * of its own on the far side, so that answers find back; it goes when nothing has passed for a while. Who sends may make up any
 * number of clients, so their sockets are bounded, those that still wait for the target's name included.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Connections } from "../connections.ts";
import type { Context } from "../context.ts";
import { ListenError, type Listener } from "../listen.ts";
import { type Correspondence, type Datagrams, describeTarget, type Target } from "../way.ts";

/** Of one forward; each has a socket. */
const CLIENTS_MAX = 1024;
const SWEEPS_PER_LIMIT = 4;

/** Datagrams that may wait for a session's socket to open. */
const OPENING_MAX = 16;

interface Session {
  /** Its socket is not open yet, and can only be closed once it is. */
  readonly opening: boolean;
  send(payload: Uint8Array): void;
  close(): void;
  usedAt: number;
}

/** The sessions by client; the one that was used least lately gives way, unless its socket is still opening. */
class Sessions {
  readonly #connections: Connections;
  readonly #most: number;
  readonly #byClient = new Map<string, Session>();
  readonly #sweeper: NodeJS.Timeout | undefined;

  /** @param idleMs 0: sessions never end by themselves */
  constructor({ connections }: Context, { idleMs, most = CLIENTS_MAX }: UdpForward) {
    this.#connections = connections;
    this.#most = most;
    if (idleMs === 0) return;
    this.#sweeper = setInterval(() => {
      const now = performance.now();
      for (const [client, { opening, usedAt }] of this.#byClient)
        if (!opening && now - usedAt >= idleMs) this.#end(client);
    }, idleMs / SWEEPS_PER_LIMIT);
    this.#sweeper.unref();
  }

  /** @param open makes the socket of a client that is new, and hands its answers over to what it is given */
  send(from: Target, payload: Uint8Array, open: (active: () => void) => Promise<Correspondence>): void {
    // RFC 768: a sender that expects no answer. It may be made up, and to send there throws.
    if (from.port === 0) return;
    const client = describeTarget(from);
    let session = this.#byClient.get(client);
    if (session === undefined) {
      if (!this.#makeRoom()) {
        this.#connections.refused += 1;
        return;
      }
      const opened: Session = opening(
        open(() => this.#use(opened)),
        // The next datagram tries again.
        () => this.#byClient.get(client) === opened && this.#end(client),
      );
      session = opened;
    }
    this.#use(session);
    // In order of use, so the first in the map is the one to go.
    this.#byClient.delete(client);
    this.#byClient.set(client, session);
    session.send(payload);
  }

  #use(session: Session): void {
    session.usedAt = performance.now();
    this.#connections.used();
  }

  /** @returns whether one more may have a socket */
  #makeRoom(): boolean {
    if (this.#byClient.size < this.#most) return true;
    const [[oldest, { opening }]] = this.#byClient as unknown as [[string, Session]];
    if (opening) return false;
    this.#end(oldest);
    return true;
  }

  #end(client: string): void {
    this.#byClient.get(client)?.close();
    this.#byClient.delete(client);
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const client of [...this.#byClient.keys()]) this.#end(client);
  }
}

/** Datagrams wait for their socket to open, a few of them. */
function opening(open: Promise<Correspondence>, failed: () => void): Session {
  let socket: Correspondence | undefined;
  let waiting: Uint8Array[] = [];
  let closed = false;
  open.then((opened) => {
    socket = opened;
    if (closed) return opened.close();
    for (const payload of waiting) opened.send(payload);
    waiting = [];
  }, failed);
  return {
    get opening() {
      return socket === undefined;
    },
    usedAt: 0,
    send: (payload) => {
      if (socket !== undefined) socket.send(payload);
      else if (waiting.length < OPENING_MAX) waiting.push(payload);
    },
    close: () => {
      closed = true;
      waiting = [];
      socket?.close();
    },
  };
}

/** A socket of this machine for one target: the kernel hands over what comes from there, and nothing that strangers send. */
function correspondHere({ host, port }: Target, onAnswer: (payload: Uint8Array) => void): Promise<Correspondence> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const failed = (error: Error): void => {
      socket.close();
      reject(error);
    };
    let target: { address: string; port: number } | undefined;
    socket.once("error", failed);
    // In Deno a connected socket hands over strangers' datagrams, too.
    socket.on("message", (payload, from) => {
      if (from.port === target?.port && from.address === target.address) onAnswer(payload);
    });
    // Called with an error too, though its type does not say so.
    socket.connect(port, host, (...[error]: Error[]) => {
      if (error !== undefined) return failed(error);
      socket.off("error", failed);
      socket.on("error", () => {});
      target = socket.remoteAddress();
      resolve({ send: (payload) => socket.send(payload, () => {}), close: () => void socket.close() });
    });
  });
}

export interface UdpForward {
  readonly target: Target;
  /** A client without a datagram in either direction for this long is forgotten; 0: never. */
  readonly idleMs: number;
  /** Clients at a time. */
  readonly most?: number;
}

/** What comes to `bind` goes to the target inside. @throws ListenError */
export async function forwardUdpOut(context: Context, bind: Target, forward: UdpForward): Promise<Listener> {
  const { target } = forward;
  const sessions = new Sessions(context, forward);
  const socket = await bindUdp(bind);
  socket.on("message", (payload, from) => {
    const client = { host: from.address, port: from.port };
    sessions.send(client, payload, (active) => {
      context.log(`udp forward ${describeTarget(client)} → ${describeTarget(target)}`);
      return context.way.correspond(target, (bytes) => {
        active();
        socket.send(bytes, from.port, from.address, () => {});
      });
    });
  });
  return {
    address: { host: socket.address().address, port: socket.address().port },
    close: () => {
      socket.close();
      sessions.close();
    },
  };
}

/** What comes to `port` inside goes to the target as this machine reaches it. */
export async function forwardUdpIn(context: Context, port: number, forward: UdpForward): Promise<Datagrams> {
  const { target } = forward;
  const sessions = new Sessions(context, forward);
  const inside = await context.way.bind(port, (payload, from) => {
    sessions.send(from, payload, (active) => {
      context.log(`udp forward ${describeTarget(from)} → ${describeTarget(target)}`);
      return correspondHere(target, (bytes) => {
        active();
        inside.send(bytes, from);
      });
    });
  });
  return {
    send: (payload, to) => inside.send(payload, to),
    close: () => {
      inside.close();
      sessions.close();
    },
  };
}

function bindUdp(bind: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(bind.host.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(new ListenError(bind, error.code ?? "", error));
    });
    socket.bind({ address: bind.host, port: bind.port, exclusive: true }, () => {
      socket.removeAllListeners("error");
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}
