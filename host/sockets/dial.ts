/** Connects to a host by name or address, inside the tunnel. Names are looked up there, and their addresses tried as RFC 8305 says. */
import { IpAddress } from "../net/address.ts";
import type { NameFailure } from "../net/dns/happy-eyeballs.ts";
import type { TcpConnectOptions, TcpFailure, TcpOptions, TcpService, TcpStream } from "../net/tcp/face.ts";
import { nameError, socketError } from "./socket-errors.ts";

export type Family = 0 | 4 | 6;

export interface Ending {
  destroy(error?: Error): unknown;
  readonly connecting?: boolean;
}

export interface SocketContext {
  readonly tcp: TcpService;
  /** What is open or waits for an answer, to be ended together with the network. */
  readonly open: Set<Ending>;
  /** The network has ended what was open, and ends nothing that comes later. */
  readonly closed: boolean;
  /**
   * @param done called once, with a connection that is made, or why there is none
   * @returns what gives it up
   */
  connectByName(
    options: Omit<TcpConnectOptions, "remote" | "handler"> & { readonly name: string; readonly family: Family },
    done: (result: TcpStream | NameFailure) => void,
  ): () => void;
}

export interface DialOptions extends TcpOptions {
  readonly host: string;
  readonly port: number;
  /** 0: both. */
  readonly family?: Family | undefined;
  readonly localAddress?: IpAddress | undefined;
  readonly localPort?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface Dialing {
  /** A connection that is made; its handler is the caller's to set. Rejects with a SocketError; settles never once it was given up. */
  readonly made: Promise<TcpStream>;
  giveUp(): void;
}

export function dial(context: SocketContext, options: DialOptions): Dialing {
  const { host, port, family = 0, localAddress, localPort, timeoutMs, ...tcp } = options;
  const wanted = { ...tcp, remotePort: port, local: localAddress, localPort, timeoutMs };
  let giveUp = (): void => {};
  const made = new Promise<TcpStream>((resolve, reject) => {
    const done = (result: TcpStream | NameFailure): void => {
      if (typeof result !== "string") return resolve(result);
      const byName = BY_RESOLVER.has(result);
      reject(byName ? nameError(codeOf(result), host) : socketError(result, "connect", { address: host, port }));
    };
    const remote = IpAddress.parse(host);
    giveUp =
      remote === undefined
        ? context.connectByName({ ...wanted, name: host, family }, done)
        : connect(context, { ...wanted, remote }, done);
  });
  return { made, giveUp };
}

/** What the resolver says, and what net.connect makes of it. */
const BY_RESOLVER: ReadonlySet<string> = new Set([
  ...["ENOTFOUND", "ENODATA", "EBADNAME", "ESERVFAIL", "EREFUSED", "EBADRESP", "ETIMEOUT", "ECANCELLED"],
]);

function codeOf(failure: string): string {
  if (failure === "ENODATA" || failure === "EBADNAME") return "ENOTFOUND";
  return failure === "ENOTFOUND" ? failure : "EAI_AGAIN";
}

/** To one address. @returns what gives it up */
function connect(
  context: SocketContext,
  options: TcpConnectOptions,
  done: (result: TcpStream | TcpFailure) => void,
): () => void {
  const handler = {
    connected: () => done(stream as TcpStream),
    closed: (failure: TcpFailure | undefined) => done(failure ?? "ECONNRESET"),
  };
  const stream = context.tcp.connect({ ...options, handler });
  if (typeof stream === "string") {
    queueMicrotask(() => done(stream));
    return () => {};
  }
  return () => stream.abort();
}
