/**
 * An HTTP proxy (RFC 9110 §9.3.6, RFC 9112): CONNECT, plain requests with an absolute URL, and their upgrades (WebSocket). The runtime's own HTTP
 * server reads and limits what clients send. With a certificate the proxy itself is reached over TLS.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import type { Connection } from "../connections.ts";
import { type Context, carry, connectWithin } from "../context.ts";
import { type Failure, failureOf } from "../failure.ts";
import { addressOf, type Listener, listenOn } from "../listen.ts";
import type { Login } from "../login.ts";
import { reset } from "../relay.ts";
import { describeTarget, type Target } from "../way.ts";
import { authorize, CHALLENGE, TOO_MANY_TRIES } from "./authorization.ts";
import { followHandshakes } from "./handshakes.ts";
import { hopsLeft } from "./hops.ts";
import { hasBody, PlainRequests } from "./plain.ts";
import { absoluteTarget, authorityTarget } from "./target.ts";
import { askToSwitch } from "./upgrade.ts";

const HEADER_BYTES_MAX = 16 * 1024;
const KEEP_ALIVE_MS = 30_000;
const CHECK_MS = 1_000;
/** How long a client that may not go on has to read why. */
const LINGER_MS = 1_000;

export interface HttpProxyOptions {
  readonly bind: Target;
  readonly login?: Login | undefined;
  /** PEM texts; with them clients speak TLS to the proxy. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

/** 504 where nobody answered in time, 502 for every other failure. */
function statusOf(failure: Failure): 502 | 504 {
  return failure === "timed-out" ? 504 : 502;
}

function refusal(status: string, text: string, extra = ""): string {
  const body = `${text}\n`;
  return `HTTP/1.1 ${status}\r\n${extra}Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

/** Last words. A client that does not leave is made to: it would take the place of others. */
function dismiss(socket: Duplex, words: string): void {
  if (!socket.writable) return void socket.destroy();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  // With bytes unread the end would be a reset, which may overtake the words.
  socket.resume();
  socket.end(words);
}

/** @throws ListenError; an error of OpenSSL for a certificate that it cannot use */
export async function serveHttpProxy(context: Context, { bind, login, tls }: HttpProxyOptions): Promise<Listener> {
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: context.requestMs,
    // Bodies may take their time; idle ones are ended by the limit of all connections.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
    noDelay: true,
    // Plain HTTP servers are so anyway: who has said all still waits for the answer.
    allowHalfOpen: true,
  };
  const server: Server = tls
    ? createTlsServer({ ...limits, handshakeTimeout: context.requestMs, cert: tls.cert, key: tls.key })
    : createServer(limits);
  const proxy = new HttpProxy(context, login);
  server.on("connection", (socket: Duplex) => proxy.connected(socket));
  if (tls) followHandshakes(server as NetServer, proxy.connections);
  server.on("request", (request, response) => proxy.plain.serve(request, response));
  server.on("connect", (request, socket, head) => void proxy.tunnel(request, socket, head));
  server.on("upgrade", (request, socket, head) => void proxy.upgrade(request, socket, head));
  server.on("clientError", (_error, socket) =>
    dismiss(socket, refusal("400 Bad Request", "This is no request that a proxy understands.")),
  );
  await listenOn(server as NetServer, bind);
  return {
    address: addressOf(server as NetServer, bind),
    close: () => {
      server.close();
      server.closeIdleConnections();
      proxy.plain.close();
    },
  };
}

class HttpProxy {
  readonly plain: PlainRequests;
  readonly #context: Context;
  readonly #login: Login | undefined;
  readonly connections = new WeakMap<Duplex, Connection>();

  constructor(context: Context, login: Login | undefined) {
    this.#context = context;
    this.#login = login;
    this.plain = new PlainRequests(context, login, (socket) => this.connections.get(socket));
  }

  connected(socket: Duplex): void {
    const connection = this.#context.connections.meet(socket);
    if (connection !== undefined) this.connections.set(socket, connection);
  }

  /** CONNECT. Never rejects. */
  async tunnel(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    const target = authorityTarget(request.url ?? "");
    if (!this.#admit(request, socket)) return;
    if (target === undefined) return dismiss(socket, refusal("400 Bad Request", "CONNECT wants HOST:PORT."));
    await this.#open(socket, target, async (far) => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) far.write(head);
      return "joined";
    });
  }

  /** A plain request that asks for another protocol, as WebSocket does. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    if (!this.#admit(request, socket)) return;
    const absolute = absoluteTarget(request.url ?? "");
    if (absolute === undefined || hasBody(request) || hopsLeft(request) === 0) {
      const text =
        "A proxy wants an absolute URL that starts with http://, and neither a body nor Max-Forwards: 0 beside Upgrade.";
      return dismiss(socket, refusal("400 Bad Request", text));
    }
    await this.#open(socket, absolute.target, async (far) => {
      const switched = await askToSwitch(request, { near: socket, far, absolute });
      if (switched === undefined) return "answered";
      socket.write(switched.head, "latin1");
      if (switched.early.length > 0) socket.write(switched.early);
      if (head.length > 0) far.write(head);
      return "joined";
    });
  }

  /** @returns whether the client may go on; it has its answer if not */
  #admit(request: IncomingMessage, socket: Duplex): boolean {
    socket.on("error", () => {});
    const from = { socket: request.socket, users: this.#context.users };
    const verdict = authorize(this.#login, request.headers["proxy-authorization"], from);
    if (verdict === "right") {
      this.connections.get(socket)?.asked();
      return true;
    }
    const extra = `Proxy-Authenticate: ${CHALLENGE}\r\n`;
    const words =
      verdict === "wrong"
        ? refusal("407 Proxy Authentication Required", "This proxy wants a user and a password.", extra)
        : refusal("429 Too Many Requests", TOO_MANY_TRIES);
    dismiss(socket, words);
    return false;
  }

  /** @param begin what is said before the two are joined, if they are to be */
  async #open(socket: Duplex, target: Target, begin: (far: Duplex) => Promise<"joined" | "answered">): Promise<void> {
    const connection = this.connections.get(socket);
    if (connection === undefined) return reset(socket);
    const label = `http → ${describeTarget(target)}`;
    try {
      const far = await connectWithin(this.#context, target, socket);
      if ((await begin(far)) === "joined") await carry(this.#context, { connection, near: socket, far, label });
    } catch (error) {
      const failure = failureOf(error);
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.log(`${label}: ${reason}`);
      const status = statusOf(failure) === 504 ? "504 Gateway Timeout" : "502 Bad Gateway";
      if (!socket.destroyed) dismiss(socket, refusal(status, `${describeTarget(target)}: ${failure}.`));
    }
  }
}
