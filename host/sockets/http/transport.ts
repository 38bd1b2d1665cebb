/**
 * Sends one HTTP request through the tunnel. Over TLS the server chooses between HTTP/2 and HTTP/1.1; of HTTP/2 one session for each
 * origin is kept, of HTTP/1.1 the agents keep connections.
 */
import { type Agent, type IncomingMessage, type RequestOptions, request as sendHttp } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type Agent as HttpsAgent, request as sendHttps } from "node:https";
import { Readable } from "node:stream";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { runtime } from "../../platform.ts";
import type { SocketContext } from "../dial.ts";
import { makeHttpAgent, makeHttpsAgent, open, openTls } from "./agents.ts";
import { EndedError, isRepeatable, KeptConnectionError, keptFailure, mayRepeat } from "./kept.ts";
import { Shared } from "./shared.ts";
import { Uses } from "./uses.ts";

export interface Sending {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface Received {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: Readable;
}

/** Fields of a connection, which HTTP/2 does not have (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** RFC 9113 §7. */
const REFUSED_STREAM = 0x7;
/** How long a session is kept on which nothing comes or goes, or that has no request, whatever its server sends. */
const SESSION_IDLE_MS = 30_000;
/** Origins that are remembered; the first one in goes first. */
const ORIGINS_MAX = 1024;

function writeBody(to: NodeJS.WritableStream, body: Sending["body"]): void {
  if (body === undefined) to.end();
  else if (body instanceof Uint8Array) to.end(body);
  else {
    body.on("error", (error) => (to as unknown as { destroy(error: Error): void }).destroy(error));
    // What has read to its end minds no more.
    to.once("close", () => body.destroy());
    body.pipe(to);
  }
}

function isUsable(known: ClientHttp2Session | "http/1.1" | undefined): known is ClientHttp2Session {
  return typeof known === "object" && !known.closed && !known.destroyed;
}

function untilSecure(socket: TLSSocket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => void socket.destroy(signal?.reason);
    if (signal?.aborted) abort();
    const stop = (): void => {
      signal?.removeEventListener("abort", abort);
      socket.off("error", failed).off("close", closed);
    };
    const failed = (error: Error): void => {
      stop();
      reject(error);
    };
    const closed = (): void => failed(signal?.reason ?? new Error("the connection was closed before it was secure"));
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", failed).once("close", closed);
    socket.once("secureConnect", () => {
      stop();
      resolve();
    });
  });
}

export class HttpTransport {
  readonly httpAgent: Agent;
  /** Made for whoever asks: TLS takes 9 MB in Node. */
  #httpsAgent: HttpsAgent | undefined;
  readonly #context: SocketContext;
  readonly #tls: ConnectionOptions;
  /** Sessions of HTTP/2, and origins that chose HTTP/1.1. */
  readonly #origins = new Map<string, ClientHttp2Session | "http/1.1">();
  readonly #uses = new WeakMap<ClientHttp2Session, Uses>();
  /** Those that are being opened in place of ended ones. */
  readonly #nextSessions = new Map<string, Shared<ClientHttp2Session | undefined>>();

  readonly #sessionIdleMs: number;

  constructor(context: SocketContext, tls: ConnectionOptions = {}, sessionIdleMs = SESSION_IDLE_MS) {
    this.#sessionIdleMs = sessionIdleMs;
    this.#context = context;
    this.#tls = tls;
    this.httpAgent = makeHttpAgent(context);
  }

  get httpsAgent(): HttpsAgent {
    this.#httpsAgent ??= makeHttpsAgent(this.#context, this.#tls as object);
    return this.#httpsAgent;
  }

  close(): void {
    this.httpAgent.destroy();
    this.#httpsAgent?.destroy();
    for (const session of this.#origins.values()) if (typeof session === "object") session.destroy();
    this.#origins.clear();
  }

  async send(sending: Sending): Promise<Received> {
    try {
      sending.signal?.throwIfAborted();
      return await this.#sendKept(sending);
    } catch (error) {
      if (mayRepeat(sending, error)) return this.#sendAnew(sending);
      // It may have failed before anybody took its body.
      if (sending.body instanceof Readable) sending.body.destroy();
      throw error;
    }
  }

  /** On a connection that is kept, if there is one. */
  async #sendKept(sending: Sending): Promise<Received> {
    const { url } = sending;
    // Deno's client sends whatever was on a kept connection of HTTP/1.1 again by itself.
    const own = runtime() === "deno" && !isRepeatable(sending);
    if (url.protocol === "http:")
      return own ? this.#sendAnew(sending) : this.#sendHttp1(sending, { agent: this.httpAgent });
    const known = this.#origins.get(url.origin);
    if (isUsable(known)) {
      try {
        return await this.#sendHttp2(sending, known);
      } catch (error) {
        // Before an answer; a request may also fail by itself.
        throw known.closed || known.destroyed ? keptFailure(error) : error;
      }
    }
    if (known === "http/1.1" && !own) return this.#sendHttp1(sending, { agent: this.httpsAgent });
    return this.#sendFirst(sending);
  }

  /** Not on a connection that is kept, of which another may have ended, too; a session of HTTP/2 that lives on is as good as a new one. */
  async #sendAnew(sending: Sending): Promise<Received> {
    const { url } = sending;
    if (url.protocol === "http:") {
      const socket = open(this.#context, { hostname: url.hostname, port: url.port }, 80);
      return this.#sendHttp1(sending, { createConnection: () => socket });
    }
    const known = this.#origins.get(url.origin);
    if (known === "http/1.1") return this.#sendFirst(sending);
    const session = isUsable(known) ? known : await this.#nextSession(url).wait(sending.signal);
    return session === undefined ? this.#sendFirst(sending) : this.#sendHttp2(sending, session);
  }

  /** One for all requests of a session that has ended; undefined where the server speaks HTTP/2 no more. */
  #nextSession(url: URL): Shared<ClientHttp2Session | undefined> {
    const { origin } = url;
    const pending = this.#nextSessions.get(origin);
    if (pending !== undefined && !pending.givenUp) return pending;
    const next = new Shared(async (signal) => {
      try {
        const socket = await this.#connect(url, signal);
        if (socket.alpnProtocol === "h2") return this.#keepSession(origin, socket);
        socket.destroy();
        this.#remember(origin, "http/1.1");
        return undefined;
      } finally {
        if (this.#nextSessions.get(origin) === next) this.#nextSessions.delete(origin);
      }
    });
    this.#nextSessions.set(origin, next);
    return next;
  }

  /** The first request to an origin asks which version it speaks. */
  async #sendFirst(sending: Sending): Promise<Received> {
    const { url, signal } = sending;
    const socket = await this.#connect(url, signal);
    if (socket.alpnProtocol === "h2") return this.#sendHttp2(sending, this.#keepSession(url.origin, socket));
    this.#remember(url.origin, "http/1.1");
    return this.#sendHttp1(sending, { createConnection: () => socket });
  }

  /** @returns a connection that is secure, with the version that the server has chosen */
  async #connect({ hostname: host, port }: URL, signal: AbortSignal | undefined): Promise<TLSSocket> {
    const socket = openTls(this.#context, {
      ...this.#tls,
      host,
      port: Number(port) || 443,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await untilSecure(socket, signal);
    return socket;
  }

  #keepSession(origin: string, socket: TLSSocket): ClientHttp2Session {
    const session = connectHttp2(origin, { createConnection: () => socket, settings: { enablePush: false } });
    session.setTimeout(this.#sessionIdleMs, () => session.close());
    // To be closed it would wait for the server, which may go on for ever.
    const uses = new Uses(this.#sessionIdleMs, () => {
      session.destroy();
      socket.destroy();
    });
    this.#uses.set(session, uses);
    // A request under way hears of it by its own stream. What a server goes on to send is nobody's any more; not every runtime ends the
    // connection with the session.
    session.on("error", () => void socket.destroy());
    session.once("close", () => {
      uses.stop();
      socket.destroy();
      if (this.#origins.get(origin) === session) this.#origins.delete(origin);
    });
    session.unref();
    this.#remember(origin, session);
    return session;
  }

  #remember(origin: string, how: ClientHttp2Session | "http/1.1"): void {
    this.#origins.set(origin, how);
    if (this.#origins.size <= ORIGINS_MAX) return;
    const [[oldest, known]] = this.#origins as unknown as [[string, ClientHttp2Session | "http/1.1"]];
    if (typeof known === "object") known.close();
    this.#origins.delete(oldest);
  }

  #sendHttp1({ method, url, headers, body, signal }: Sending, how: RequestOptions): Promise<Received> {
    const send = url.protocol === "http:" ? sendHttp : sendHttps;
    return new Promise((resolve, reject) => {
      const options = {
        method,
        host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(url.port) || (url.protocol === "http:" ? 80 : 443),
        path: url.pathname + url.search,
        headers: { host: url.host, ...headers },
        ...(signal !== undefined && { signal }),
        ...how,
      };
      const request = send(options, (response: IncomingMessage) =>
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? "",
          headers: response.rawHeaders,
          body: response,
        }),
      );
      const failed = (error: unknown): void => reject(request.reusedSocket ? keptFailure(error) : error);
      request.on("error", failed);
      // The server switched protocols, and nobody asked it to: Node ends the connection, and tells no error.
      request.on("close", () => failed(new EndedError()));
      writeBody(request, body);
    });
  }

  #sendHttp2({ method, url, headers, body, signal }: Sending, session: ClientHttp2Session): Promise<Received> {
    return new Promise((resolve, reject) => {
      // Who has missed the event hears of it no more.
      signal?.throwIfAborted();
      const passing = Object.entries(headers).filter(([name]) => !CONNECTION_FIELDS.has(name));
      const pseudo = {
        ":method": method,
        ":path": url.pathname + url.search,
        ":authority": url.host,
        ":scheme": "https",
      };
      const stream = session.request({ ...pseudo, ...Object.fromEntries(passing) }, { endStream: body === undefined });
      const uses = this.#uses.get(session);
      uses?.begin();
      const abort = (): void => void stream.destroy(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      stream.once("close", () => {
        uses?.end();
        signal?.removeEventListener("abort", abort);
      });
      // The server says so, as of every request behind the last one that its GOAWAY names.
      const failed = (error: Error): unknown =>
        stream.rstCode === REFUSED_STREAM ? new KeptConnectionError("unseen", error) : error;
      stream.on("error", (error) => reject(failed(error)));
      stream.once("close", () => reject(new EndedError()));
      stream.once("response", (fields) => {
        const list = Object.entries(fields).filter(([name]) => !name.startsWith(":"));
        resolve({
          status: Number(fields[":status"]),
          statusText: "",
          headers: list.flatMap(([name, value]) => [value].flat().flatMap((each) => [name, String(each)])),
          body: stream,
        });
      });
      if (body !== undefined) writeBody(stream, body);
    });
  }
}
