/**
 * Who configures a tunnel, and what ends it, where that is a unix socket and its clients: all of it waits behind packets, and is known by a
 * token when it is ready.
 */
import type { Engine } from "../engine/engine.ts";
import type { Statistic } from "../metrics/statistics.ts";
import type { Instant } from "../time/instant.ts";
import type { ControlOptions } from "./control-session.ts";
import type { TunnelEvents } from "./machine.ts";
import { type ControlListener, UapiServer, type UapiServerOptions } from "./uapi-server.ts";

/** Of the clients the first has the last one, and the others follow. What is not named here is the system's own. */
export const TOKEN = { network: 1, watch: 2, uapi: 3, threads: 4, leash: 5, connection: 16 } as const;

export interface TunnelControlOptions extends Omit<ControlOptions, "engine" | "statistics"> {
  readonly listener: ControlListener;
  readonly waits: UapiServerOptions["waits"];
  readonly events: TunnelEvents;
  /** Whether the listening socket has been removed: the user wants the daemon to end. */
  socketIsGone(): boolean;
}

export class TunnelControl {
  readonly #options: TunnelControlOptions;
  #server: UapiServer | undefined;

  constructor(options: TunnelControlOptions) {
    this.#options = options;
  }

  /** The engine is there: clients are heard. */
  serve(engine: Engine, statistics: () => Iterable<Statistic>): void {
    const tokens = { listenerToken: TOKEN.uapi, firstToken: TOKEN.connection };
    this.#server = new UapiServer({ ...this.#options, ...tokens, engine, statistics });
  }

  /** When to call `advance`. */
  nextDeadline(): Instant {
    return this.#server?.retryAt ?? Number.POSITIVE_INFINITY;
  }

  advance(now: Instant): void {
    if (this.#server !== undefined && now >= this.#server.retryAt) this.#server.retry();
  }

  lookAfterSocket(): void {
    if (this.#options.socketIsGone()) this.#options.events.ended("the UAPI socket was removed");
  }

  /** @param ready as the system's wait tells it */
  dispatch(token: number, ready: number): void {
    const { events } = this.#options;
    switch (token) {
      case TOKEN.watch:
        return this.lookAfterSocket();
      case TOKEN.leash:
        return events.ended("asked to end");
      case TOKEN.uapi:
        events.configuring("new");
        return this.#server?.accept();
      default:
        events.configuring("old");
        return this.#server?.serve(token - TOKEN.connection, ready);
    }
  }

  close(): void {
    this.#server?.close();
  }
}
