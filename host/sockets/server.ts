/** Listens inside the tunnel, with the face of net.Server. */
import { EventEmitter } from "node:events";
import type { IpAddress } from "../net/address.ts";
import type { TcpServer, TcpStream } from "../net/tcp/face.ts";
import { Telling } from "../net/telling.ts";
import { checkCallback, checkHost, checkSignal } from "./arguments.ts";
import type { SocketContext } from "./dial.ts";
import { type SocketOptions, TunnelSocket } from "./socket.ts";
import { checkPort, socketError } from "./socket-errors.ts";

export interface ListenOptions {
  /** 0 or undefined: a free one. */
  readonly port?: number | string | undefined;
  /** One of the tunnel's own addresses; all of them by default. */
  readonly host?: string | undefined;
  readonly backlog?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServerOptions extends Omit<SocketOptions, "signal"> {
  /** Accept a connection without reading from it yet. */
  readonly pauseOnConnect?: boolean | undefined;
}

const familyName = ({ family }: IpAddress): "IPv4" | "IPv6" => (family === 4 ? "IPv4" : "IPv6");

export class TunnelServer extends EventEmitter {
  readonly #context: SocketContext & { ownAddress(text: string): IpAddress | undefined };
  readonly #options: ServerOptions;
  readonly #sockets = new Set<TunnelSocket>();
  #server: TcpServer | undefined;
  #host = "::";
  /** More than this many at a time are reset. */
  maxConnections: number | undefined;

  constructor(
    context: SocketContext & { ownAddress(text: string): IpAddress | undefined },
    options: ServerOptions = {},
    onConnection?: (socket: TunnelSocket) => void,
  ) {
    super();
    this.#context = context;
    this.#options = options;
    if (onConnection !== undefined) this.on("connection", onConnection);
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  /** As net.Server: `listen(port, host, backlog)` or `listen(options)`, each with a listener for "listening". */
  listen(options?: ListenOptions | number | string, ...rest: unknown[]): this {
    const listener = [options, ...rest].find((argument) => typeof argument === "function") as (() => void) | undefined;
    const [host, backlog] = [
      rest.find((word) => typeof word === "string"),
      rest.find((word) => typeof word === "number"),
    ];
    const chosen: ListenOptions =
      typeof options === "object" ? options : { port: options, host: host as string, backlog: backlog as number };
    checkHost(chosen.host);
    const { signal } = chosen;
    if (signal !== undefined) checkSignal(signal);
    if (listener !== undefined) this.once("listening", listener);
    if (this.#server !== undefined)
      throw Object.assign(new Error("already listening"), { code: "ERR_SERVER_ALREADY_LISTEN" });
    const port = typeof chosen.port === "function" ? 0 : checkPort(chosen.port ?? 0, ">= 0");
    const failure = this.#open({ ...chosen, port });
    // Told later, as net.Server does: whoever calls has set up his listeners by then.
    process.nextTick(() => {
      if (failure !== undefined) this.emit("error", failure);
      else if (this.#server !== undefined) this.emit("listening");
    });
    if (signal !== undefined && !this.#context.closed) this.#followSignal(signal);
    return this;
  }

  #followSignal(signal: AbortSignal): void {
    const abort = (): void => void this.close();
    if (signal.aborted) return process.nextTick(abort);
    signal.addEventListener("abort", abort, { once: true });
    this.once("close", () => signal.removeEventListener("abort", abort));
  }

  #open({ port, host, backlog }: ListenOptions & { port: number }): Error | undefined {
    const any = host === undefined || host === null || host === "" || host === "::" || host === "0.0.0.0";
    const local = any ? undefined : this.#context.ownAddress(host);
    const where = { address: host ?? "::", port };
    if (!any && local === undefined) return socketError("EADDRNOTAVAIL", "listen", where);
    const server = this.#context.tcp.listen({ port, local, backlog, acceptable: () => this.#accept() });
    if (typeof server === "string") return socketError(server, "listen", where);
    this.#host = host ?? "::";
    this.#server = server;
    this.#context.open.add(this);
    return undefined;
  }

  #accept(): void {
    const telling = new Telling();
    for (;;) {
      const stream = this.#server?.accept();
      if (stream === undefined) break;
      telling.call(() => this.#take(stream), this);
    }
    telling.end();
  }

  #take(stream: TcpStream): void {
    if (this.maxConnections !== undefined && this.#sockets.size >= this.maxConnections) {
      const { local, localPort, remote, remotePort } = stream;
      stream.abort();
      const [localFamily, remoteFamily] = [familyName(local), familyName(remote)];
      const ends = { localAddress: local.toString(), localPort, localFamily };
      this.emit("drop", { ...ends, remoteAddress: remote.toString(), remotePort, remoteFamily });
      return;
    }
    const socket = TunnelSocket.accepted(this.#context, stream, this.#options);
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#perhapsClosed();
    });
    if (!this.#options.pauseOnConnect) socket.read(0);
    this.emit("connection", socket);
  }

  address(): { address: string; family: "IPv4" | "IPv6"; port: number } | null {
    const server = this.#server;
    if (server === undefined) return null;
    const address = server.local?.toString() ?? this.#host;
    return { address, family: address.includes(":") ? "IPv6" : "IPv4", port: server.port };
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    checkCallback(callback);
    process.nextTick(() => callback(null, this.#sockets.size));
    return this;
  }

  #closing = false;

  /** Accept no more; "close" comes once the last connection has gone. */
  close(callback?: (error?: Error) => void): this {
    if (this.#server === undefined) {
      const error = Object.assign(new Error("Server is not running."), { code: "ERR_SERVER_NOT_RUNNING" });
      if (callback !== undefined) process.nextTick(callback, error);
      return this;
    }
    if (callback !== undefined) this.once("close", () => callback());
    this.#server.close();
    this.#server = undefined;
    this.#context.open.delete(this);
    this.#closing = true;
    this.#perhapsClosed();
    return this;
  }

  /** The network ends. */
  destroy(): void {
    if (this.#server !== undefined) this.close();
  }

  #perhapsClosed(): void {
    if (!this.#closing || this.#sockets.size > 0) return;
    this.#closing = false;
    process.nextTick(() => this.emit("close"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server === undefined) return;
    await new Promise<void>((resolve) => this.close(() => resolve()));
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
