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
import { CHALLENGE, isAuthorized } from "./authorization.ts";
import { PlainRequests } from "./plain.ts";
import { authorityTarget } from "./target.ts";
import { upgradeHead } from "./upgrade.ts";

const HEADER_BYTES_MAX = 16 * 1024;
const KEEP_ALIVE_MS = 30_000;
const CHECK_MS = 1_000;

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
  const server: Server = tls ? createTlsServer({ ...limits, cert: tls.cert, key: tls.key }) : createServer(limits);
  const proxy = new HttpProxy(context, login);
  server.on(tls ? "secureConnection" : "connection", (socket: Duplex) => proxy.connected(socket));
  server.on("request", (request, response) => proxy.plain.serve(request, response));
  server.on("connect", (request, socket, head) => void proxy.tunnel(request, socket, head));
  server.on("upgrade", (request, socket, head) => void proxy.upgrade(request, socket, head));
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end(refusal("400 Bad Request", "This is no request that a proxy understands."));
    else socket.destroy();
  });
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
  readonly #connections = new WeakMap<Duplex, Connection>();

  constructor(context: Context, login: Login | undefined) {
    this.#context = context;
    this.#login = login;
    this.plain = new PlainRequests(context, login, (socket) => this.#connections.get(socket));
  }

  connected(socket: Duplex): void {
    const connection = this.#context.connections.add(socket);
    if (connection !== undefined) this.#connections.set(socket, connection);
  }

  /** CONNECT. Never rejects. */
  async tunnel(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    const target = authorityTarget(request.url ?? "");
    if (!this.#admit(request, socket)) return;
    if (target === undefined) {
      socket.end(refusal("400 Bad Request", "CONNECT wants HOST:PORT."));
      return;
    }
    await this.#open(socket, target, (far) => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) far.write(head);
    });
  }

  /** A plain request that asks for another protocol, as WebSocket does. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    if (!this.#admit(request, socket)) return;
    const upgraded = upgradeHead(request);
    if (upgraded === undefined) {
      socket.end(refusal("400 Bad Request", "A proxy wants an absolute URL that starts with http://."));
      return;
    }
    await this.#open(socket, upgraded.target, (far) => {
      far.write(upgraded.head);
      if (head.length > 0) far.write(head);
    });
  }

  /** @returns whether the client may go on; it has its answer if not */
  #admit(request: IncomingMessage, socket: Duplex): boolean {
    socket.on("error", () => {});
    if (isAuthorized(this.#login, request.headers["proxy-authorization"])) return true;
    const extra = `Proxy-Authenticate: ${CHALLENGE}\r\n`;
    socket.end(refusal("407 Proxy Authentication Required", "This proxy wants a user and a password.", extra));
    return false;
  }

  async #open(socket: Duplex, target: Target, begin: (far: Duplex) => void): Promise<void> {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return reset(socket);
    const label = `http → ${describeTarget(target)}`;
    try {
      const far = await connectWithin(this.#context, target, socket);
      begin(far);
      await carry(this.#context, { connection, near: socket, far, label });
    } catch (error) {
      const failure = failureOf(error);
      const reason = error instanceof Error ? error.message : String(error);
      this.#context.log(`${label}: ${reason}`);
      const status = statusOf(failure) === 504 ? "504 Gateway Timeout" : "502 Bad Gateway";
      if (!socket.destroyed) socket.end(refusal(status, `${describeTarget(target)}: ${failure}.`));
    }
  }
}
