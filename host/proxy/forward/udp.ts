/**
 * Forwards of UDP: a local port to a target inside, and a port inside to a target of this machine. Each client has a socket
 * of its own on the far side, so that answers find back; it goes when nothing has passed for a while.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Context } from "../context.ts";
import { ListenError, type Listener } from "../listen.ts";
import { type Datagrams, describeTarget, type Target } from "../way.ts";

const CLIENTS_MAX = 1024;
const SWEEPS_PER_LIMIT = 4;

/** Sends one client's datagrams on. */
interface Session {
  send(payload: Uint8Array): void;
  close(): void;
  usedAt: number;
}

/** The sessions by client; the one that was used least lately gives way. */
class Sessions {
  readonly #byClient = new Map<string, Session>();
  readonly #sweeper: NodeJS.Timeout | undefined;

  /** @param idleMs 0: sessions never end by themselves */
  constructor(idleMs: number) {
    if (idleMs === 0) return;
    this.#sweeper = setInterval(() => {
      const now = performance.now();
      for (const [client, session] of this.#byClient) if (now - session.usedAt >= idleMs) this.#end(client);
    }, idleMs / SWEEPS_PER_LIMIT);
    this.#sweeper.unref();
  }

  /** In order of use, so the first in the map is the one to go. */
  use(client: string, open: () => Session): Session {
    const session = this.#byClient.get(client) ?? open();
    session.usedAt = performance.now();
    this.#byClient.delete(client);
    this.#byClient.set(client, session);
    if (this.#byClient.size > CLIENTS_MAX) this.#end(this.#byClient.keys().next().value!);
    return session;
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
function opening(open: Promise<Datagrams>, target: Target): Session {
  let datagrams: Datagrams | undefined;
  let waiting: Uint8Array[] | undefined = [];
  let closed = false;
  open.then(
    (opened) => {
      datagrams = opened;
      if (closed) return opened.close();
      for (const payload of waiting ?? []) opened.send(payload, target);
      waiting = undefined;
    },
    () => {
      waiting = undefined;
    },
  );
  return {
    usedAt: 0,
    send: (payload) => {
      if (datagrams !== undefined) datagrams.send(payload, target);
      else if (waiting !== undefined && waiting.length < 16) waiting.push(payload);
    },
    close: () => {
      closed = true;
      datagrams?.close();
    },
  };
}

export interface UdpForward {
  readonly target: Target;
  /** A client without a datagram in either direction for this long is forgotten; 0: never. */
  readonly idleMs: number;
}

/** What comes to `bind` goes to the target inside. @throws ListenError */
export async function forwardUdpOut(context: Context, bind: Target, { target, idleMs }: UdpForward): Promise<Listener> {
  const sessions = new Sessions(idleMs);
  const socket = await bindUdp(bind);
  socket.on("message", (payload, from) => {
    const session = sessions.use(`${from.address} ${from.port}`, () => {
      context.log(`udp forward ${describeTarget({ host: from.address, port: from.port })} → ${describeTarget(target)}`);
      const answer = (bytes: Uint8Array): void => {
        session.usedAt = performance.now();
        socket.send(bytes, from.port, from.address, () => {});
      };
      return opening(context.way.datagrams(answer), target);
    });
    session.send(payload);
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
export async function forwardUdpIn(context: Context, port: number, { target, idleMs }: UdpForward): Promise<Datagrams> {
  const sessions = new Sessions(idleMs);
  const inside = await context.way.bind(port, (payload, from) => {
    const session = sessions.use(describeTarget(from), () => {
      context.log(`udp forward ${describeTarget(from)} → ${describeTarget(target)}`);
      const socket = createSocket(target.host.includes(":") ? "udp6" : "udp4");
      socket.on("error", () => {});
      socket.on("message", (bytes) => {
        session.usedAt = performance.now();
        inside.send(bytes, from);
      });
      return {
        usedAt: 0,
        send: (bytes) => socket.send(bytes, target.port, target.host, () => {}),
        close: () => socket.close(),
      };
    });
    session.send(payload);
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
