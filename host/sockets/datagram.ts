/** UDP through the tunnel, with the face of dgram.Socket. One socket serves both families: the address decides. */
import { EventEmitter } from "node:events";
import { IpAddress } from "../net/address.ts";
import { Telling } from "../net/telling.ts";
import type { UdpError, UdpFailure, UdpSocket, UdpSocketOptions } from "../net/udp/socket.ts";
import { checkHost, checkMessage, checkSignal } from "./arguments.ts";
import type { Ending } from "./dial.ts";
import { checkPort, socketError } from "./socket-errors.ts";

export interface UdpService {
  open(options?: UdpSocketOptions): UdpSocket | UdpFailure;
}

export interface DatagramContext {
  readonly udp: UdpService;
  readonly open: Set<Ending>;
  readonly closed: boolean;
  lookup(host: string, family: 0 | 4 | 6, signal?: AbortSignal): Promise<readonly IpAddress[]>;
  ownAddress(text: string): IpAddress | undefined;
}

export interface DatagramOptions {
  /** As dgram's: "udp4" or "udp6" keeps names to one family. By default both. */
  readonly type?: "udp4" | "udp6" | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RemoteInfo {
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly port: number;
  readonly size: number;
}

type SendCallback = (error: Error | null, bytes: number) => void;

const BYTES_MAX = 65_507;
/** Bytes that may wait for names and for room; more is refused with ENOBUFS. */
const WAITING_BYTES_MAX = 16 << 20;
/** What keeping a datagram costs beside its bytes. */
const OVERHEAD_BYTES = 256;
const familyName = (address: IpAddress): "IPv4" | "IPv6" => (address.family === 4 ? "IPv4" : "IPv6");

function dgramError(code: "NOT_RUNNING" | "IS_CONNECTED" | "NOT_CONNECTED", message: string): Error {
  return Object.assign(new Error(message), { code: `ERR_SOCKET_DGRAM_${code}` });
}

function bytesOf(message: Uint8Array | string | readonly (Uint8Array | string)[]): Uint8Array {
  if (Array.isArray(message)) return new Uint8Array(Buffer.concat(message.map((part) => bytesOf(part))));
  checkMessage(message);
  if (typeof message === "string") return new TextEncoder().encode(message);
  // Not as a Buffer: its `slice` would not copy.
  const { buffer, byteOffset, byteLength } = message;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export class TunnelDatagramSocket extends EventEmitter {
  readonly type: "udp4" | "udp6" | undefined;
  readonly #context: DatagramContext;
  readonly #stopFollowing: (() => void) | undefined;
  #socket: UdpSocket | undefined;
  /** Sends that found the queue full, in order. */
  #waiting: { bytes: Uint8Array; remote: IpAddress; port: number; done: SendCallback | undefined }[] = [];
  /** Of those, and of sends whose names are looked up. */
  #queuedBytes = 0;
  #queuedCount = 0;
  #closed = false;
  #binding = false;
  #connecting = false;

  constructor(
    context: DatagramContext,
    options: DatagramOptions = {},
    onMessage?: (message: Buffer, from: RemoteInfo) => void,
  ) {
    super();
    this.#context = context;
    this.type = options.type;
    if (onMessage !== undefined) this.on("message", onMessage);
    const { signal } = options;
    if (signal !== undefined) checkSignal(signal);
    // Not at once: what is asked of it now is refused with the stack's reason.
    if (context.closed) setImmediate(() => this.destroy());
    else context.open.add(this);
    if (signal === undefined) return;
    const abort = (): void => this.destroy();
    this.#stopFollowing = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }

  get #family(): 0 | 4 | 6 {
    return this.type === undefined ? 0 : this.type === "udp4" ? 4 : 6;
  }

  #requireOpen(): void {
    if (this.#closed) throw dgramError("NOT_RUNNING", "Not running");
  }

  /** @returns the stack's socket, made at the first need. @throws SocketError */
  #open(options: { address?: string | undefined; port?: number | undefined } = {}): UdpSocket {
    this.#requireOpen();
    if (this.#socket !== undefined) return this.#socket;
    const { address, port = 0 } = options;
    const any = address === undefined || address === "0.0.0.0" || address === "::";
    const local = any ? undefined : this.#context.ownAddress(address);
    const where = { address: address ?? "::", port };
    if (!any && local === undefined) throw socketError("EADDRNOTAVAIL", "bind", where);
    const handler = {
      readable: () => this.#receive(),
      writable: () => this.#drain(),
      failed: (error: UdpError, remote: IpAddress, remotePort: number) =>
        this.#failed(error, { address: remote.toString(), port: remotePort }),
    };
    const socket = this.#context.udp.open({ local, localPort: port, handler });
    if (typeof socket === "string") throw socketError(socket, "bind", where);
    this.#socket = socket;
    // Whoever sends without having bound it hears so too.
    if (!this.#binding) process.nextTick(() => this.#closed || this.emit("listening"));
    return socket;
  }

  /** As dgram: `bind(port, address)` or `bind({ port, address })`, each with a listener for "listening". */
  bind(options?: { port?: number; address?: string } | number, ...rest: unknown[]): this {
    const listener = [options, ...rest].find((argument) => typeof argument === "function") as (() => void) | undefined;
    const chosen =
      typeof options === "object" ? options : { port: options, address: rest.find((word) => typeof word === "string") };
    this.#requireOpen();
    checkHost(chosen?.address);
    if (this.#socket !== undefined || this.#binding) {
      throw Object.assign(new Error("Socket is already bound"), { code: "ERR_SOCKET_ALREADY_BOUND" });
    }
    if (listener !== undefined) this.once("listening", listener);
    this.#binding = true;
    process.nextTick(() => {
      if (this.#closed) return;
      try {
        this.#open(chosen as { port?: number; address?: string });
      } catch (error) {
        return void this.emit("error", error);
      } finally {
        this.#binding = false;
      }
      this.emit("listening");
    });
    return this;
  }

  /** Send to and hear from one address only. */
  connect(port: number, ...rest: unknown[]): void {
    const listener = rest.find((argument) => typeof argument === "function") as ((error?: Error) => void) | undefined;
    const host = rest.find((word) => typeof word === "string") as string | undefined;
    this.#requireOpen();
    checkPort(port, "> 0");
    if (this.#connecting || this.#connected) throw dgramError("IS_CONNECTED", "Already connected");
    this.#connecting = true;
    this.#resolve(host ?? "localhost")
      .finally(() => {
        this.#connecting = false;
      })
      .then((remote) => {
        const failure = this.#open().connect(remote, port);
        if (failure !== undefined) throw socketError(failure, "connect", { address: remote.toString(), port });
        listener?.();
        this.emit("connect");
      })
      .catch((error: Error) => {
        if (listener !== undefined) listener(error);
        else this.emit("error", error);
      });
  }

  get #connected(): boolean {
    return this.#socket?.remote !== undefined;
  }

  disconnect(): void {
    if (!this.#connected) throw dgramError("NOT_CONNECTED", "Not connected");
    this.#socket?.disconnect();
  }

  async #resolve(host: string): Promise<IpAddress> {
    const literal = IpAddress.parse(host);
    if (literal !== undefined) return literal;
    const [first] = await this.#context.lookup(host, this.#family);
    if (first === undefined) throw socketError("ENOTFOUND", "getaddrinfo", { address: host, port: 0 });
    return first;
  }

  /** As dgram: `send(message, [offset, length,] [port, [address]] [, callback])`. The bytes are copied before it returns. */
  send(message: Uint8Array | string | readonly (Uint8Array | string)[], ...rest: unknown[]): void {
    this.#requireOpen();
    const callback = rest.find((argument) => typeof argument === "function") as SendCallback | undefined;
    const numbers = rest.filter((argument) => typeof argument === "number");
    const host = rest.find((argument) => typeof argument === "string") as string | undefined;
    let bytes = bytesOf(message);
    const connected = this.#connected;
    if (numbers.length >= (connected ? 2 : 3)) {
      const [offset, length] = numbers.splice(0, 2) as [number, number];
      if (offset > bytes.length || offset + length > bytes.length) {
        const which = offset > bytes.length ? "offset" : "length";
        throw Object.assign(new RangeError(`"${which}" is outside of buffer bounds`), {
          code: "ERR_BUFFER_OUT_OF_BOUNDS",
        });
      }
      bytes = bytes.subarray(offset, offset + length);
    }
    const port = connected ? 0 : checkPort(numbers[0], "> 0");
    const fail = (error: Error): void => {
      if (callback !== undefined) process.nextTick(callback, error, 0);
      else process.nextTick(() => this.emit("error", error));
    };
    if (bytes.length > BYTES_MAX) return fail(socketError("EMSGSIZE", "send"));
    if (connected)
      return this.#send({ bytes, remote: this.#socket!.remote!, port: this.#socket!.remotePort, done: callback });
    const literal = IpAddress.parse(host ?? "127.0.0.1");
    if (literal !== undefined) return this.#send({ bytes, remote: literal, port, done: callback });
    if (!this.#mayQueue(bytes)) return fail(socketError("ENOBUFS", "send"));
    const copy = bytes.slice();
    this.#queue(copy, 1);
    this.#resolve(host!)
      .finally(() => this.#queue(copy, -1))
      .then((remote) => {
        if (!this.#closed) this.#send({ bytes: copy, remote, port, done: callback });
      }, fail);
  }

  #mayQueue({ length }: Uint8Array): boolean {
    return this.#queuedBytes + this.#queuedCount * OVERHEAD_BYTES + length <= WAITING_BYTES_MAX;
  }

  #queue({ length }: Uint8Array, step: 1 | -1): void {
    this.#queuedBytes += step * length;
    this.#queuedCount += step;
  }

  /** Bytes that wait to be sent. */
  getSendQueueSize(): number {
    return this.#queuedBytes;
  }

  getSendQueueCount(): number {
    return this.#queuedCount;
  }

  #send(sending: { bytes: Uint8Array; remote: IpAddress; port: number; done: SendCallback | undefined }): void {
    if (this.#waiting.length === 0 && this.#attempt(sending)) return;
    const { bytes, done } = sending;
    if (!this.#mayQueue(bytes)) {
      const error = socketError("ENOBUFS", "send");
      return void process.nextTick(() => (done === undefined ? this.emit("error", error) : done(error, 0)));
    }
    this.#queue(bytes, 1);
    this.#waiting.push({ ...sending, bytes: bytes.slice() });
  }

  /** @returns false if there is no room at the moment */
  #attempt({
    bytes,
    remote,
    port,
    done,
  }: {
    bytes: Uint8Array;
    remote: IpAddress;
    port: number;
    done: SendCallback | undefined;
  }): boolean {
    let failure: string | undefined;
    try {
      const socket = this.#open();
      failure = socket.remote === undefined ? socket.send(bytes, remote, port) : socket.send(bytes);
    } catch (error) {
      if (done !== undefined) process.nextTick(done, error as Error, 0);
      else process.nextTick(() => this.emit("error", error));
      return true;
    }
    if (failure === "ENOBUFS") return false;
    const error = failure === undefined ? null : socketError(failure, "send", { address: remote.toString(), port });
    if (done !== undefined) process.nextTick(done, error, bytes.length);
    else if (error !== null) process.nextTick(() => this.emit("error", error));
    return true;
  }

  #drain(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      if (!this.#attempt(this.#waiting[0]!)) return;
      this.#queue(this.#waiting.shift()!.bytes, -1);
    }
  }

  #receive(): void {
    const telling = new Telling();
    for (let datagram = this.#socket?.receive(); datagram !== undefined; datagram = this.#socket?.receive()) {
      const { bytes, from, fromPort } = datagram;
      const info = { address: from.toString(), family: familyName(from), port: fromPort, size: bytes.length };
      try {
        this.emit("message", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), info);
      } catch (error) {
        telling.failed(error);
      }
    }
    telling.end();
  }

  /** As systems do: who is connected hears of ICMP errors, others do not. */
  #failed(code: UdpError, where: { address: string; port: number }): void {
    if (this.#socket?.remote !== undefined) this.emit("error", socketError(code, "recv", where));
  }

  address(): { address: string; family: "IPv4" | "IPv6"; port: number } {
    this.#requireOpen();
    const socket = this.#socket;
    if (socket === undefined) throw socketError("EBADF", "getsockname");
    const { local } = socket;
    return local === undefined
      ? { address: "::", family: "IPv6", port: socket.localPort }
      : { address: local.toString(), family: familyName(local), port: socket.localPort };
  }

  remoteAddress(): { address: string; family: "IPv4" | "IPv6"; port: number } {
    const remote = this.#socket?.remote;
    if (remote === undefined) throw dgramError("NOT_CONNECTED", "Not connected");
    return { address: remote.toString(), family: familyName(remote), port: this.#socket!.remotePort };
  }

  setTTL(hops: number): number {
    if (!(Number.isInteger(hops) && hops >= 1 && hops <= 255)) throw socketError("EINVAL", "setTTL");
    this.#open().hopLimit = hops;
    return hops;
  }

  close(callback?: () => void): this {
    if (callback !== undefined) this.once("close", callback);
    if (this.#closed) return this;
    this.#closed = true;
    this.#stopFollowing?.();
    this.#context.open.delete(this);
    this.#socket?.close();
    this.#socket = undefined;
    for (const { done } of this.#waiting.splice(0)) {
      if (done !== undefined) process.nextTick(done, socketError("ECANCELED", "send"), 0);
    }
    process.nextTick(() => this.emit("close"));
    return this;
  }

  /** The network ends. */
  destroy(): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await new Promise<void>((resolve) => this.close(resolve));
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
