/**
 * The UAPI socket of the daemon: accepts connections and moves bytes between them and their sessions, in linear memory.
 * A connection keeps one of UAPI_SESSIONS pairs of areas; when all are taken, clients wait in the backlog.
 */
import type { Core } from "../../core/core.ts";
import type { Engine } from "../../device/engine.ts";
import { prometheusLines } from "../../device/prometheus.ts";
import type { Statistic } from "../../device/statistics.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Zones } from "../../uapi/endpoint.ts";
import { UapiSession } from "../../uapi/session.ts";
import type { ConfigTarget } from "../../uapi/target.ts";
import { type Epoll, FAILED, READABLE, WRITABLE } from "./epoll.ts";
import type { TunnelSockets } from "./tunnel-sockets.ts";
import { isAgain, type UnixConnection, type UnixListener } from "./unix-socket.ts";
import { linuxZones } from "./zones.ts";

const SESSIONS = 8; // assembly/constants.ts
const AREA_BYTES = 65_536;
/** Reads of one connection before others get their turn. */
const STEPS_PER_TURN = 16;

interface Client {
  readonly connection: UnixConnection;
  readonly session: UapiSession;
  waitsFor: number;
}

export interface UapiServerOptions {
  readonly core: Core;
  readonly libc: Libc;
  readonly engine: Engine;
  readonly sockets: TunnelSockets;
  readonly epoll: Epoll;
  readonly listener: UnixListener;
  readonly listenerToken: number;
  /** Token of client 0; the others follow. */
  readonly firstToken: number;
  statistics(): Iterable<Statistic>;
  log(level: "error" | "verbose", message: string): void;
}

export class UapiServer {
  readonly #options: UapiServerOptions;
  readonly #target: ConfigTarget;
  readonly #zones: Zones;
  readonly #clients: (Client | undefined)[] = new Array(SESSIONS).fill(undefined);
  #accepting = true;
  /** A client had to wait for want of a descriptor, and the log has it; until a call of accept found room. */
  #refused = false;

  constructor(options: UapiServerOptions) {
    this.#options = options;
    this.#zones = linuxZones(options.libc);
    this.#target = configTarget(options.engine, options.sockets);
    options.epoll.add(options.listener.fd, options.listenerToken);
  }

  /** Clients wait at the socket. */
  accept(): void {
    for (;;) {
      const free = this.#clients.indexOf(undefined);
      this.#accept(free >= 0);
      if (free < 0) return;
      const connection = this.#nextConnection();
      if (connection === undefined) return;
      const area = this.#options.core.at.uapiAreas + 2 * AREA_BYTES * free;
      const { core, epoll, firstToken, statistics, log } = this.#options;
      const session = new UapiSession({
        memory: core.memory,
        input: { address: area, length: AREA_BYTES },
        output: { address: area + AREA_BYTES, length: AREA_BYTES },
        target: this.#target,
        codec: {
          decodeHexKey: (from, to) => Boolean(core.exports.hexDecode(to, from, 32)),
          encodeHexKey: (to, from) => core.exports.hexEncode(to, from, 32),
        },
        zones: this.#zones,
        statistics: () => prometheusLines(statistics()),
        onFault: (error) => log("error", `UAPI: ${error instanceof Error ? error.message : error}`),
      });
      this.#clients[free] = { connection, session, waitsFor: READABLE };
      epoll.add(connection.fd, firstToken + free);
      this.serve(free, READABLE);
    }
  }

  /** @returns undefined when none waits, or there is no room for it */
  #nextConnection(): UnixConnection | undefined {
    try {
      const connection = this.#options.listener.accept();
      if (connection === undefined) this.#refused = false;
      return connection;
    } catch (error) {
      // The listener stays readable: waiting for it would return at once, again and again.
      this.#accept(false);
      if (!this.#refused) this.#options.log("error", `UAPI clients must wait: ${(error as Error).message}`);
      this.#refused = true;
      return undefined;
    }
  }

  /** From time to time: there may be room again for clients that wait in the backlog. */
  retry(): void {
    if (!this.#accepting) this.accept();
  }

  /** Listen for more clients, or leave them in the backlog. */
  #accept(more: boolean): void {
    if (more === this.#accepting) return;
    this.#accepting = more;
    const { epoll, listener, listenerToken } = this.#options;
    epoll.modify(listener.fd, listenerToken, more ? READABLE : 0);
  }

  /** Client `index` can be read or written. */
  serve(index: number, events: number): void {
    const client = this.#clients[index];
    if (client === undefined) return;
    for (let step = 0; step < STEPS_PER_TURN; step++) {
      const progress = this.#step(client);
      if (progress === "gone" || ((events & FAILED) !== 0 && progress === "wait")) return this.#drop(index);
      if (progress === "wait") break;
    }
    const wanted = client.session.output().length > 0 ? WRITABLE : READABLE;
    if (wanted === client.waitsFor) return;
    client.waitsFor = wanted;
    this.#options.epoll.modify(client.connection.fd, this.#options.firstToken + index, wanted);
  }

  #step({ connection, session }: Client): "more" | "wait" | "gone" {
    const output = session.output();
    if (output.length > 0) {
      const written = connection.write(output.address, output.length);
      if (isAgain(written)) return "wait";
      if (written <= 0) return "gone";
      session.written(written);
      return "more";
    }
    if (session.closed) return "gone";
    const room = session.inputRoom();
    if (room.length === 0) return "gone";
    const read = connection.read(room.address, room.length);
    if (isAgain(read)) return "wait";
    if (read < 0) return "gone";
    if (read === 0) session.end();
    else session.received(read);
    return "more";
  }

  #drop(index: number): void {
    const client = this.#clients[index];
    if (client === undefined) return;
    this.#options.epoll.remove(client.connection.fd);
    client.connection.close();
    client.session.destroy();
    this.#clients[index] = undefined;
    this.#accept(true);
  }

  close(): void {
    for (let i = 0; i < SESSIONS; i++) this.#drop(i);
    this.#options.epoll.remove(this.#options.listener.fd);
  }
}

/** The engine, and the sockets for what is theirs. */
function configTarget(engine: Engine, sockets: TunnelSockets): ConfigTarget {
  return {
    setPrivateKey: (key) => engine.setPrivateKey(key),
    setListenPort: (port) => {
      if (sockets.setPort(port)) engine.clearSources();
    },
    setFirewallMark: (mark) => {
      if (mark === sockets.mark) return;
      sockets.setMark(mark);
      engine.clearSources();
    },
    removeAllPeers: () => engine.removeAllPeers(),
    findPeer: (publicKey) => engine.findPeer(publicKey),
    createPeer: (publicKey) => engine.createPeer(publicKey),
    removePeer: (peer) => {
      const own = engine.findPeer(peer.publicKey);
      if (own !== undefined) engine.removePeer(own);
    },
    privateKey: () => engine.privateKey(),
    listenPort: () => sockets.port,
    firewallMark: () => sockets.mark,
    peers: () => engine.peers(),
  };
}
