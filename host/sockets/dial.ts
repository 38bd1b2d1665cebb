/**
 * Connects to a host by name or address. Of several addresses each next one is tried a quarter of a second after the last, or at once
 * when that failed; the first connection wins and the others are dropped (Happy Eyeballs, RFC 8305 §5).
 */
import { IpAddress } from "../net/address.ts";
import type { TcpFailure, TcpOptions, TcpService, TcpStream } from "../net/tcp/face.ts";
import { type SocketError, socketError } from "./errors.ts";

/** RFC 8305 §8, "Connection Attempt Delay". */
const ATTEMPT_DELAY_MS = 250;

export interface SocketContext {
  readonly tcp: TcpService;
  /** Addresses of a name, the best first, asked for inside the tunnel. Rejects with a code such as ENOTFOUND. */
  lookup(host: string, family: 0 | 4 | 6, signal?: AbortSignal): Promise<readonly IpAddress[]>;
}

export interface DialOptions extends TcpOptions {
  readonly host: string;
  readonly port: number;
  /** 0: both. */
  readonly family?: 0 | 4 | 6 | undefined;
  readonly localAddress?: IpAddress | undefined;
  readonly localPort?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @returns a connection that is made; its handler is the caller's to set. @throws SocketError, or the signal's reason */
export async function dial(context: SocketContext, options: DialOptions): Promise<TcpStream> {
  const { host, family = 0, signal } = options;
  signal?.throwIfAborted();
  const literal = IpAddress.parse(host);
  const addresses = literal === undefined ? await context.lookup(host, family, signal) : [literal];
  signal?.throwIfAborted();
  return new Attempts(context, options, addresses).result;
}

class Attempts {
  readonly result: Promise<TcpStream>;
  readonly #context: SocketContext;
  readonly #options: DialOptions;
  readonly #left: IpAddress[];
  readonly #open = new Set<TcpStream>();
  #resolve!: (stream: TcpStream) => void;
  #reject!: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: SocketError | undefined;
  #settled = false;

  constructor(context: SocketContext, options: DialOptions, addresses: readonly IpAddress[]) {
    this.#context = context;
    this.#options = options;
    this.#left = [...addresses];
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    options.signal?.addEventListener("abort", this.#aborted, { once: true });
    this.#next();
  }

  readonly #aborted = (): void => this.#settle(() => this.#reject(this.#options.signal?.reason));

  /** Begin one more attempt, if there is an address left and nobody has won. */
  #next(): void {
    clearTimeout(this.#timer);
    const remote = this.#left.shift();
    if (this.#settled) return;
    if (remote === undefined) {
      if (this.#open.size > 0) return;
      const failure = this.#failure ?? socketError("ENOTFOUND", "connect", this.#where(this.#options.host));
      return this.#settle(() => this.#reject(failure));
    }
    const { host: _, port, localAddress, timeoutMs, signal: __, family: ___, ...rest } = this.#options;
    let stream: TcpStream | undefined;
    const handler = {
      connected: () => {
        if (stream !== undefined) this.#won(stream);
      },
      closed: (failure: TcpFailure | undefined) => {
        if (stream !== undefined) this.#open.delete(stream);
        this.#failed(failure ?? "ECONNRESET", remote);
      },
    };
    const begun = this.#context.tcp.connect({
      ...rest,
      remote,
      remotePort: port,
      local: localAddress,
      timeoutMs,
      handler,
    });
    if (typeof begun === "string") return this.#failed(begun, remote);
    stream = begun;
    this.#open.add(stream);
    if (this.#left.length > 0) this.#timer = setTimeout(() => this.#next(), ATTEMPT_DELAY_MS);
  }

  #where(address: string): { address: string; port: number } {
    return { address, port: this.#options.port };
  }

  #failed(code: TcpFailure, remote: IpAddress): void {
    // The first failure is that of the best address.
    this.#failure ??= socketError(code, "connect", this.#where(remote.toString()));
    this.#next();
  }

  #won(stream: TcpStream): void {
    this.#open.delete(stream);
    this.#settle(() => this.#resolve(stream));
  }

  #settle(tell: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    for (const stream of this.#open) stream.abort();
    this.#open.clear();
    tell();
  }
}
