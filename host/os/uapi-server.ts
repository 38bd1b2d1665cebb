/**
 * The UAPI socket of the daemon: accepts connections and moves bytes between them and their sessions, in linear memory.
 * A connection keeps one of UAPI_SESSIONS pairs of areas. When all are taken, clients wait in the backlog, and whoever has
 * been idle for the longest time makes room for them; so does, in the end, whoever is merely slow.
 */

import { EAGAIN } from "../ffi/errno.ts";
import type { ConfigTarget } from "../uapi/target.ts";
import type { UapiSession } from "../uapi/uapi-session.ts";
import { type ControlOptions, configTarget, openSession, SESSIONS } from "./control-session.ts";
import { FAILED, READABLE, type Readiness, WRITABLE } from "./readiness.ts";

/** Reads of one connection before others get their turn. */
const STEPS_PER_TURN = 16;
/** While others wait: so long may a client not write. Time enough to write what it has connected for. */
const SILENT_MS = 20;
/** While others wait: so long may a client leave its answer unread. It may wait for a processor, as those beside it do. */
const UNREAD_MS = 250;
/** While others wait: so long may a client be connected that is never idle, but never done either … */
const STAY_MS = 2_000;
/** … and a millisecond more for each so many bytes of its request and answer, which take their time when they are long. */
const BYTES_PER_MS = 512;
/** Where there is no descriptor for a client, when to look again. */
const RETRY_MS = 1_000;

/** A listening socket of the system's. */
export interface ControlListener {
  readonly fd: number;
  /** Whether a client waits in the backlog. */
  someoneWaits(): boolean;
  /**
   * @returns undefined when none waits
   * @throws SystemError when there is no room for one, as EMFILE: it stays in the backlog, and the listener readable
   */
  accept(): ControlConnection | undefined;
}

export interface ControlConnection {
  readonly fd: number;
  /** Into linear memory. @returns bytes, 0 at the end, −EAGAIN when none wait, or −errno */
  read(address: number, capacity: number): number;
  /** From linear memory; may take only a part. @returns bytes, −EAGAIN when the peer does not read, or −errno */
  write(address: number, length: number): number;
  /** @param events READABLE or WRITABLE */
  isReady(events: number): boolean;
  close(): void;
}

interface Client {
  readonly connection: ControlConnection;
  readonly session: UapiSession;
  waitsFor: number;
  readonly since: number;
  activeAt: number;
  /** Bytes of the request that is under way, and of its answer. */
  moved: number;
  failed: boolean;
}

/** When its place is another's who waits: it has been idle for too long by then. */
function idleUntil({ activeAt, waitsFor }: Client): number {
  return activeAt + (waitsFor === WRITABLE ? UNREAD_MS : SILENT_MS);
}

/** When its place is another's who waits, though it was never idle. */
function staysUntil({ since, moved }: Client): number {
  return since + STAY_MS + moved / BYTES_PER_MS;
}

export interface UapiServerOptions extends ControlOptions {
  readonly waits: Readiness;
  readonly listener: ControlListener;
  readonly listenerToken: number;
  /** Token of client 0; the others follow. */
  readonly firstToken: number;
  /** Milliseconds; performance.now() by default. */
  now?(): number;
}

export class UapiServer {
  readonly #options: UapiServerOptions;
  readonly #target: ConfigTarget;
  readonly #clients: (Client | undefined)[] = new Array(SESSIONS).fill(undefined);
  #accepting = true;
  /** A client had to wait for want of a descriptor, and the log has it; until a call of accept found room. */
  #refused = false;
  /** When to call `retry`; Infinity while nobody is kept waiting. */
  retryAt = Number.POSITIVE_INFINITY;

  constructor(options: UapiServerOptions) {
    this.#options = options;
    this.#target = configTarget(options);
    options.waits.add(options.listener.fd, options.listenerToken);
  }

  get #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  /** Clients wait at the socket. */
  accept(): void {
    while (this.#options.listener.someoneWaits()) {
      let free = this.#clients.indexOf(undefined);
      if (free < 0) free = this.#makeRoom();
      if (free < 0) return this.#keepWaiting(this.#roomAt());
      const connection = this.#nextConnection();
      if (connection === "refused") {
        if (this.#makeRoom() >= 0) continue;
        return this.#keepWaiting(Math.min(this.#roomAt(), this.#now + RETRY_MS));
      }
      if (connection === undefined) break;
      const { waits, firstToken } = this.#options;
      const session = openSession(this.#options, this.#target, free);
      const now = this.#now;
      this.#clients[free] = {
        connection,
        session,
        waitsFor: READABLE,
        since: now,
        activeAt: now,
        moved: 0,
        failed: false,
      };
      waits.add(connection.fd, firstToken + free);
      this.serve(free, READABLE);
    }
    this.#listen("listen");
  }

  /** For a client that waits. @returns the place that is free now, or −1 */
  #makeRoom(): number {
    for (const until of [idleUntil, staysUntil]) {
      for (const index of this.#soonest(until)) {
        const client = this.#clients[index]!;
        // Who could go on is not idle: the others have their turns.
        if (until === idleUntil && client.connection.isReady(client.waitsFor)) continue;
        const stayed = Math.round(this.#now - (until === idleUntil ? client.activeAt : client.since));
        this.#options.log("verbose", `UAPI: dropped a client after ${stayed} ms, for others waited`);
        this.#drop(index);
        return index;
      }
    }
    return -1;
  }

  /** Places whose time is over, that which was over first at the front. */
  #soonest(until: (client: Client) => number): number[] {
    const ends = this.#clients.map((client) => (client ? until(client) : Number.POSITIVE_INFINITY));
    const now = this.#now;
    return [...ends.keys()].filter((index) => ends[index]! <= now).sort((a, b) => ends[a]! - ends[b]!);
  }

  /** When somebody will have stayed too long. */
  #roomAt(): number {
    const times = this.#clients.map((client) =>
      client ? Math.min(idleUntil(client), staysUntil(client)) : Number.POSITIVE_INFINITY,
    );
    return Math.min(...times);
  }

  #keepWaiting(until: number): void {
    this.#listen("not now");
    this.retryAt = until;
  }

  /** @returns undefined when none waits; "refused" when there is no descriptor for it */
  #nextConnection(): ControlConnection | "refused" | undefined {
    try {
      const connection = this.#options.listener.accept();
      if (connection === undefined) this.#refused = false;
      return connection;
    } catch (error) {
      if (!this.#refused) this.#options.log("error", `UAPI clients must wait: ${(error as Error).message}`);
      this.#refused = true;
      return "refused";
    }
  }

  /** There may be room again for clients that wait in the backlog. */
  retry(): void {
    if (!this.#accepting) this.accept();
  }

  /** Hear of further clients, or leave them in the backlog: the listener stays readable, and a wait for it returns at once. */
  #listen(how: "listen" | "not now"): void {
    const more = how === "listen";
    if (more) this.retryAt = Number.POSITIVE_INFINITY;
    if (more === this.#accepting) return;
    this.#accepting = more;
    const { waits, listener, listenerToken } = this.#options;
    waits.modify(listener.fd, listenerToken, more ? READABLE : 0);
  }

  /** Client `index` can be read or written. */
  serve(index: number, events: number): void {
    const client = this.#clients[index];
    if (client === undefined) return;
    for (let step = 0; step < STEPS_PER_TURN; step++) {
      const progress = this.#step(client);
      if (progress === "gone") return this.#drop(index);
      if (progress === "wait") {
        if ((events & FAILED) === 0) break;
        // It may be told of the one who had this place before, in the same turn. If not, it is told again.
        if (client.failed) return this.#drop(index);
        client.failed = true;
        break;
      }
      client.activeAt = this.#now;
    }
    const wanted = client.session.output().length > 0 ? WRITABLE : READABLE;
    if (wanted === client.waitsFor) return;
    client.waitsFor = wanted;
    this.#options.waits.modify(client.connection.fd, this.#options.firstToken + index, wanted);
  }

  #step(client: Client): "more" | "wait" | "gone" {
    const { connection, session } = client;
    const output = session.output();
    if (output.length > 0) {
      const written = connection.write(output.address, output.length);
      if (written === -EAGAIN) return "wait";
      if (written <= 0) return "gone";
      session.written(written);
      client.moved = session.output().length > 0 ? client.moved + written : 0;
      return "more";
    }
    if (session.closed) return "gone";
    const room = session.inputRoom();
    if (room.length === 0) return "gone";
    const read = connection.read(room.address, room.length);
    if (read === -EAGAIN) return "wait";
    if (read < 0) return "gone";
    if (read === 0) session.end();
    else session.received(read);
    client.moved += read;
    return "more";
  }

  #drop(index: number): void {
    const client = this.#clients[index];
    if (client === undefined) return;
    this.#options.waits.remove(client.connection.fd);
    client.connection.close();
    client.session.destroy();
    this.#clients[index] = undefined;
    this.#listen("listen");
  }

  close(): void {
    for (let i = 0; i < SESSIONS; i++) this.#drop(i);
    this.#options.waits.remove(this.#options.listener.fd);
  }
}
