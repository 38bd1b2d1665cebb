/**
 * One TCP connection through the tunnel with the face of net.Socket: the same methods, events and errors, so that drivers and
 * agents that take a socket take this one. Bytes that wait are kept by the stack, whose windows then close: what is not read is
 * not sent to us.
 */
import { Duplex } from "node:stream";
import { IpAddress } from "../net/address.ts";
import type { TcpFailure, TcpOptions, TcpStream } from "../net/tcp/face.ts";
import { Telling } from "../net/telling.ts";
import { checkHost, checkSignal } from "./arguments.ts";
import { type Dialing, dial, type SocketContext } from "./dial.ts";
import { abortError, asError, checkPort, socketError } from "./socket-errors.ts";

export interface SocketOptions {
  /** Keep our side open when the other has ended. Default false, as net.Socket. */
  readonly allowHalfOpen?: boolean | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds of silence before the first probe. */
  readonly keepAliveInitialDelay?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectOptions extends SocketOptions {
  readonly host?: string | undefined;
  readonly port: number | string;
  readonly family?: 0 | 4 | 6 | undefined;
  readonly localAddress?: IpAddress | string | undefined;
  readonly localPort?: number | undefined;
  /** Milliseconds until the connection must be made. */
  readonly connectTimeout?: number | undefined;
}

const KEEP_ALIVE_IDLE_MS = 7_200_000;
const KEEP_ALIVE_INTERVAL_MS = 1_000;
const KEEP_ALIVE_PROBES = 10;
/** Bytes taken from the stack at a time. */
const READ_BYTES = 64 * 1024;

/** @throws TypeError as net.Socket has it */
function localOf(address: IpAddress | string | undefined): IpAddress | undefined {
  if (typeof address !== "string") return address;
  const parsed = IpAddress.parse(address);
  if (parsed !== undefined) return parsed;
  throw Object.assign(new TypeError(`${address} is no address`), { code: "ERR_INVALID_IP_ADDRESS" });
}

interface End {
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly port: number;
}

function endOf(address: IpAddress, port: number): End {
  return { address: address.toString(), family: address.family === 4 ? "IPv4" : "IPv6", port };
}

export class TunnelSocket extends Duplex {
  readonly #context: SocketContext;
  #stream: TcpStream | undefined;
  /** Asked for after the end too, in logs. */
  #ends: { local: End; remote: End } | undefined;
  #options: TcpOptions;
  #connecting: Dialing | undefined;
  /** The rest of a write that the stack had no room for, and whom to tell. */
  #waiting: { chunk: Uint8Array; done: (error?: Error | null) => void } | undefined;
  #wantsRead = false;
  #idleMs: number | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  bytesRead = 0;
  /** Of writes that the stack has taken whole. */
  #bytesTaken = 0;

  constructor(context: SocketContext, options: SocketOptions = {}) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false, emitClose: false, autoDestroy: true });
    this.#context = context;
    this.#options = { coalesce: options.noDelay ? "no-delay" : "nagle" };
    if (options.keepAlive) this.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.signal !== undefined) this.#followSignal(options.signal);
  }

  /** A connection that came to one of our listeners. */
  static accepted(context: SocketContext, stream: TcpStream, options: SocketOptions = {}): TunnelSocket {
    const socket = new TunnelSocket(context, options);
    context.open.add(socket);
    socket.#adopt(stream);
    return socket;
  }

  #followSignal(signal: AbortSignal): void {
    checkSignal(signal);
    const abort = (): void => void this.destroy(abortError(signal));
    if (signal.aborted) return process.nextTick(abort);
    if (this.destroyed) return;
    signal.addEventListener("abort", abort, { once: true });
    this.once("close", () => signal.removeEventListener("abort", abort));
    this.#hold("connect");
  }

  /** Before it connects, too: its network ends it when it closes, or now if it is closed. */
  #hold(syscall: string): void {
    if (this.#context.closed) this.destroy(socketError("ENETDOWN", syscall));
    else this.#context.open.add(this);
  }

  // ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────

  /** As net.Socket: `connect(options)` or `connect(port, host)`, each with a listener for "connect". */
  connect(options: ConnectOptions | number | string, ...rest: unknown[]): this {
    const listener = rest.find((argument) => typeof argument === "function") as (() => void) | undefined;
    const host = typeof rest[0] === "string" ? rest[0] : "localhost";
    const chosen = typeof options === "object" ? options : { port: options, host };
    checkHost(chosen.host);
    if (listener !== undefined) this.once("connect", listener);
    if (this.#stream !== undefined || this.#connecting !== undefined) {
      throw socketError("EISCONN", "connect");
    }
    if (chosen.noDelay !== undefined) this.setNoDelay(chosen.noDelay);
    if (chosen.keepAlive !== undefined) this.setKeepAlive(chosen.keepAlive, chosen.keepAliveInitialDelay);
    const port = checkPort(chosen.port, ">= 0") || checkPort(chosen.port, "> 0");
    const wanted = {
      ...this.#options,
      host: chosen.host ?? "localhost",
      port,
      family: chosen.family,
      localAddress: localOf(chosen.localAddress),
      localPort: chosen.localPort,
      timeoutMs: chosen.connectTimeout,
    };
    // Last of what may throw: a socket that refuses to connect listens to nothing.
    if (chosen.signal != null) this.#followSignal(chosen.signal);
    if (this.destroyed) return this;
    this.#connecting = dial(this.#context, wanted);
    this.#context.open.add(this);
    void this.#begin(this.#connecting.made);
    return this;
  }

  async #begin(made: Promise<TcpStream>): Promise<void> {
    try {
      const stream = await made;
      if (this.destroyed) return stream.abort();
      this.#connecting = undefined;
      this.#adopt(stream);
      this.emit("connect");
      this.emit("ready");
    } catch (error) {
      this.#connecting = undefined;
      this.destroy(asError(error));
    }
  }

  #adopt(stream: TcpStream): void {
    this.#stream = stream;
    this.#ends = {
      local: endOf(stream.local, stream.localPort),
      remote: endOf(stream.remote, stream.remotePort),
    };
    stream.configure(this.#options);
    stream.handler = {
      readable: () => this.#pull(),
      writable: () => this.#push(),
      closed: (failure) => this.#ended(failure),
    };
    this.#busy();
    this.#push();
    if (this.#wantsRead) this.#pull();
  }

  #ended(failure: TcpFailure | undefined): void {
    try {
      this.#pull();
    } finally {
      this.#endedWith(failure);
    }
  }

  #endedWith(failure: TcpFailure | undefined): void {
    this.#stream = undefined;
    if (failure !== undefined) this.destroy(socketError(failure, "read"));
    else if (this.#waiting !== undefined) this.destroy(socketError("EPIPE", "write"));
  }

  get connecting(): boolean {
    return this.#connecting !== undefined;
  }

  get pending(): boolean {
    return this.#ends === undefined;
  }

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.#stream === undefined || this.destroyed) return "closed";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  // ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────

  override _read(): void {
    this.#wantsRead = true;
    this.#pull();
  }

  #pull(): void {
    const stream = this.#stream;
    let failures: Telling | undefined;
    while (this.#wantsRead && stream !== undefined) {
      const bytes = stream.read(READ_BYTES);
      if (bytes === undefined) break;
      this.bytesRead += bytes.length;
      this.#busy();
      try {
        this.#wantsRead = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      } catch (error) {
        // A listener's. As with net.Socket the rest is read all the same.
        failures ??= new Telling();
        failures.failed(error);
      }
    }
    if (this.#wantsRead && stream?.ended) {
      this.#wantsRead = false;
      this.push(null);
      // Somebody has to take the end, even if nobody reads any more.
      if (this.readableLength === 0) this.read(0);
    }
    failures?.end();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { length } = chunk;
    const taken = (error?: Error | null): void => {
      if (!error) this.#bytesTaken += length;
      done(error);
    };
    this.#waiting = { chunk, done: taken };
    this.#push();
    if (this.#ends === undefined && this.#connecting === undefined) this.#hold("write");
  }

  /** Give the stack what it takes of the write that waits. */
  #push(): void {
    const { waiting, stream } = { waiting: this.#waiting, stream: this.#stream };
    if (waiting === undefined || stream === undefined) return;
    const taken = stream.write(waiting.chunk, "lent");
    if (taken > 0) this.#busy();
    if (taken < waiting.chunk.length) {
      waiting.chunk = waiting.chunk.subarray(taken);
      return;
    }
    this.#waiting = undefined;
    waiting.done();
  }

  override _final(done: (error?: Error | null) => void): void {
    const end = (): void => {
      this.#stream?.shutdown();
      done();
    };
    if (this.connecting) this.once("connect", end);
    else end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idleTimer);
    this.#context.open.delete(this);
    this.#connecting?.giveUp();
    this.#connecting = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) {
      stream.handler = {};
      if (error !== null) stream.abort();
      else stream.close();
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done(error ?? socketError("EPIPE", "write"));
    done(error);
    // As a handle's end is told by libuv: after whatever this turn still has to say, such as why TLS above it failed.
    const closed = (): void => void this.emit("close", error !== null);
    if (stream === undefined) process.nextTick(closed);
    else setImmediate(closed);
  }

  /** End once all is written, and destroy then. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Send a reset and be gone. */
  resetAndDestroy(): this {
    this.#stream?.abort();
    return this.destroy();
  }

  // ── options ──────────────────────────────────────────────────────────────────────────────────────────────────

  setNoDelay(noDelay = true): this {
    return this.#configure({ coalesce: noDelay ? "no-delay" : "nagle" });
  }

  setKeepAlive(enable = false, initialDelayMs = 0): this {
    const idleMs = initialDelayMs > 0 ? initialDelayMs : KEEP_ALIVE_IDLE_MS;
    const probing = { idleMs, intervalMs: KEEP_ALIVE_INTERVAL_MS, probes: KEEP_ALIVE_PROBES };
    return this.#configure({ keepAlive: enable ? probing : undefined });
  }

  #configure(options: TcpOptions): this {
    this.#options = { ...this.#options, ...options };
    this.#stream?.configure(this.#options);
    return this;
  }

  /** Emit "timeout" after so long without a byte in either direction; 0: never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    this.#idleMs = milliseconds;
    if (listener !== undefined) {
      if (milliseconds > 0) this.once("timeout", listener);
      else this.off("timeout", listener);
    }
    this.#busy();
    return this;
  }

  get timeout(): number | undefined {
    return this.#idleMs;
  }

  #busy(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    if (!this.#idleMs || this.destroyed) return;
    // It is the tunnel that keeps the process alive, or does not.
    this.#idleTimer = setTimeout(() => this.emit("timeout"), this.#idleMs);
    this.#idleTimer.unref?.();
  }

  /** The tunnel itself keeps the process alive, or does not (`Network.unref`); a connection has no say. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  // ── where ────────────────────────────────────────────────────────────────────────────────────────────────────

  get remoteAddress(): string | undefined {
    return this.#ends?.remote.address;
  }

  get remotePort(): number | undefined {
    return this.#ends?.remote.port;
  }

  get remoteFamily(): "IPv4" | "IPv6" | undefined {
    return this.#ends?.remote.family;
  }

  get localAddress(): string | undefined {
    return this.#ends?.local.address;
  }

  get localPort(): number | undefined {
    return this.#ends?.local.port;
  }

  get localFamily(): "IPv4" | "IPv6" | undefined {
    return this.#ends?.local.family;
  }

  address(): End | Record<string, never> {
    return this.#ends?.local ?? {};
  }

  /** Those that wait included. */
  get bytesWritten(): number {
    return this.#bytesTaken + this.writableLength;
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  /** State, round trip, windows and retransmissions of the connection, while there is one. */
  statistics(): ReturnType<TcpStream["statistics"]> | undefined {
    return this.#stream?.statistics();
  }
}
