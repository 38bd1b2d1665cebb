/**
 * The connections that one proxy process carries: at most so many, none idle for too long, and all of them ended in
 * order when the process is asked to stop. One timer looks after all.
 */
import type { Duplex } from "node:stream";
import { reset } from "./relay.ts";

export interface ConnectionLimits {
  /** Most connections at a time, over all listeners. */
  readonly most: number;
  /** A connection without a byte in either direction for this long is reset; 0: never. */
  readonly idleMs: number;
  /** Called for every connection that comes, and whenever bytes or datagrams have passed. */
  used?(): void;
}

const SWEEP_MS_MAX = 5_000;
const SWEEPS_PER_LIMIT = 4;

export class Connection {
  /** Sweeps since the last byte. No clock is asked: what a machine sleeps is not idleness, and counts on some. */
  #quietSweeps = 0;
  readonly #streams: Duplex[];
  readonly #used: () => void;
  /** Told that the client may stay. */
  readonly asked: () => void;

  constructor(stream: Duplex, { used, asked }: { used: () => void; asked: () => void }) {
    this.#streams = [stream];
    this.#used = used;
    this.asked = asked;
  }

  /** The far stream lives and dies with the connection. */
  join(stream: Duplex): void {
    this.#streams.push(stream);
  }

  active(): void {
    this.#quietSweeps = 0;
    this.#used();
  }

  /** @returns how many sweeps before this one have found it quiet */
  sweep(): number {
    return this.#quietSweeps++;
  }

  reset(): void {
    for (const stream of this.#streams) reset(stream);
  }
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Set<Connection>();
  /** Of these, whose clients have not said yet what they want; who came first at the front. */
  readonly #silent = new Set<Connection>();
  readonly #sweeper: NodeJS.Timeout | undefined;
  /** Sweeps in the time that a connection may be idle. */
  readonly #quietMost: number = Number.POSITIVE_INFINITY;
  readonly #emptied: (() => void)[] = [];
  #draining = false;
  /** Connections accepted and refused since the start; refused are also datagrams for whose sender a forward had no room. */
  accepted = 0;
  refused = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    if (limits.idleMs === 0) return;
    const everyMs = Math.min(SWEEP_MS_MAX, limits.idleMs / SWEEPS_PER_LIMIT);
    this.#quietMost = Math.ceil(limits.idleMs / everyMs);
    this.#sweeper = setInterval(() => this.#sweep(), everyMs);
    this.#sweeper.unref();
  }

  get open(): number {
    return this.#open.size;
  }

  /** Something has passed, of a connection or of what is none: datagrams. */
  used(): void {
    this.#limits.used?.();
  }

  /** One whose client has said what it wants by connecting. @returns undefined if there is no room; the stream is closed then */
  add(stream: Duplex): Connection | undefined {
    const connection = this.meet(stream);
    connection?.asked();
    return connection;
  }

  /**
   * One whose client has yet to say what it wants, and who it is. Until `asked` is called it gives way to others when there is no room, so that
   * nobody keeps others out by staying silent. @returns as add
   */
  meet(stream: Duplex): Connection | undefined {
    // Until somebody reads, an early reset by the client must not end the process.
    stream.on("error", () => {});
    if (this.#draining || !this.#hasRoom()) {
      this.refused += 1;
      reset(stream);
      return undefined;
    }
    this.accepted += 1;
    this.used();
    const connection: Connection = new Connection(stream, {
      used: () => this.used(),
      asked: () => this.#silent.delete(connection),
    });
    this.#open.add(connection);
    this.#silent.add(connection);
    stream.once("close", () => this.#forget(connection));
    return connection;
  }

  #hasRoom(): boolean {
    if (this.#open.size < this.#limits.most) return true;
    const [first] = this.#silent;
    if (first === undefined) return false;
    this.refused += 1;
    this.#forget(first);
    first.reset();
    return true;
  }

  #forget(connection: Connection): void {
    this.#silent.delete(connection);
    if (this.#open.delete(connection) && this.#open.size === 0) for (const tell of this.#emptied.splice(0)) tell();
  }

  /** Take no more, wait until all have ended, and reset what has not by then. */
  async drain(withinMs: number): Promise<void> {
    this.#draining = true;
    if (this.#open.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([over, new Promise<void>((resolve) => this.#emptied.push(resolve))]);
      clearTimeout(timer);
    }
    this.close();
  }

  /** Reset everything. */
  close(): void {
    this.#draining = true;
    clearInterval(this.#sweeper);
    for (const connection of this.#open) connection.reset();
  }

  #sweep(): void {
    for (const connection of this.#open) if (connection.sweep() >= this.#quietMost) connection.reset();
  }
}
