/** Plain requests through the proxy (`GET http://host/path`), each sent on by the runtime's HTTP client over the tunnel's connections. */
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  request as send,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Connection } from "../connections.ts";
import { type Context, connectWithin } from "../context.ts";
import { failureOf } from "../failure.ts";
import type { Login } from "../login.ts";
import { reset } from "../relay.ts";
import { describeTarget } from "../way.ts";
import { authorize, CHALLENGE, TOO_MANY_TRIES } from "./authorization.ts";
import { forwardedFields, isAmbiguous } from "./headers.ts";
import { hopsLeft } from "./hops.ts";
import { absoluteTarget } from "./target.ts";

/** Requests of one connection that may wait for answers at a time: apt asks for ten. */
const PIPELINED_MAX = 16;
/** How long a connection is kept for the next request. */
const KEPT_MS = 30_000;
/** Connections that are kept for one client, of each server. */
const KEPT_MAX = 4;

function answer(response: ServerResponse, status: number, text: string, fields: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy();
  // With its own words: a response whose head was refused still has the server's.
  response.writeHead(status, STATUS_CODES[status], { "content-type": "text/plain", connection: "close", ...fields });
  response.end(`${text}\n`);
}

/** To a request that may go no further. Nothing of a TRACE is sent back: scripts could read there what is kept from them. */
function answerItself({ method }: IncomingMessage, response: ServerResponse): void {
  const allow = "CONNECT, GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE";
  answer(response, method === "OPTIONS" ? 200 : 405, "This is the proxy; the request may go no further.", { allow });
}

/** May be sent again without harm (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * How the body is told apart from the next request. Said here in so many words: of a method that seldom has a body Node's client would
 * send it bare, and the server take it for a request of its own (request smuggling).
 */
function framingOf({ headers }: IncomingMessage): Record<string, string> {
  return headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": "chunked" };
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Deno does not tell a request that its connection has gone before it was answered; whoever waits for it would wait for ever. */
function endWithConnection(upstream: ClientRequest): void {
  upstream.once("socket", (socket) => {
    const gone = (): void => {
      upstream.destroy(Object.assign(new Error("the connection was closed without an answer"), { code: "ECONNRESET" }));
    };
    const stop = (): void => void socket.off("close", gone);
    socket.once("close", gone);
    upstream.once("response", stop).once("close", stop);
  });
}

/** @throws for a head that cannot be passed on: a status of no kind, a body of unclear length, control characters */
function passOn(incoming: IncomingMessage, response: ServerResponse, active: () => void): void {
  if (isAmbiguous(incoming.rawHeaders)) throw new Error("the length of the answer is ambiguous");
  response.writeHead(incoming.statusCode!, incoming.statusMessage, forwardedFields(incoming));
  incoming.on("data", active);
  // Cut in the middle there, cut in the middle here: half an answer must not look whole.
  incoming.on("error", () => response.destroy());
  incoming.on("aborted", () => response.destroy());
  incoming.pipe(response);
}

/** What belongs to one connection of a client, and ends with it. */
interface Client {
  /**
   * Its connections to servers, some kept for its next requests. No other client's requests use them: there are servers that take a login
   * for one of the whole connection (NTLM, Negotiate).
   */
  readonly agent: Agent;
  /** What gives up the requests that wait for their answers. */
  readonly unanswered: Set<() => void>;
}

export class PlainRequests {
  readonly #context: Context;
  readonly #login: Login | undefined;
  readonly #connectionOf: (socket: Duplex) => Connection | undefined;
  readonly #clients = new WeakMap<Duplex, Client>();
  #closing = false;
  /** Connections that have carried a request: `reusedSocket` is not told everywhere. */
  readonly #used = new WeakSet<Duplex>();

  constructor(context: Context, login: Login | undefined, connectionOf: (socket: Duplex) => Connection | undefined) {
    this.#context = context;
    this.#login = login;
    this.#connectionOf = connectionOf;
  }

  /** Clients may have the answers that they wait for, and then go. */
  close(): void {
    this.#closing = true;
  }

  #agentOf(socket: Duplex): Agent {
    const agent = new Agent({ keepAlive: true, timeout: KEPT_MS, maxFreeSockets: KEPT_MAX });
    // The agent asks for a connection here; without this it would go out of this machine's own network.
    agent.createConnection = (options, callback) => {
      const target = { host: String(options.host).replace(/^\[(.*)\]$/, "$1"), port: Number(options.port) };
      // A connection that comes after its request was given up serves the client's next one, as long as there is a client.
      connectWithin(this.#context, target, socket).then(
        (stream) => {
          if (socket.destroyed) stream.destroy();
          // The server has ended: the connection must not wait for another request.
          stream.once("end", () => stream.end());
          callback?.(null, stream);
        },
        (error: Error) => callback?.(error, undefined as unknown as Duplex),
      );
      return undefined;
    };
    return agent;
  }

  #clientOf(socket: Duplex): Client {
    const known = this.#clients.get(socket);
    if (known !== undefined) return known;
    const client = { agent: this.#agentOf(socket), unanswered: new Set<() => void>() };
    this.#clients.set(socket, client);
    // Each connection that is being made waits for its end, too.
    socket.setMaxListeners(2 * PIPELINED_MAX);
    socket.once("close", () => {
      // Of several answers that are owed only the first hears of the end by itself.
      for (const giveUp of client.unanswered) giveUp();
      client.agent.destroy();
    });
    return client;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { agent, unanswered } = this.#clientOf(request.socket);
    if (unanswered.size >= PIPELINED_MAX) return reset(request.socket);
    let giveUp = (): void => {};
    const ended = (): void => giveUp();
    unanswered.add(ended);
    response.once("close", () => {
      unanswered.delete(ended);
      if (!response.writableFinished) ended();
      else if (this.#closing && unanswered.size === 0) request.socket.end();
    });
    const absolute = absoluteTarget(request.url ?? "");
    const from = { socket: request.socket, users: this.#context.users };
    const verdict = authorize(this.#login, request.headers["proxy-authorization"], from);
    if (verdict === "wrong")
      return answer(response, 407, "This proxy wants a user and a password.", { "proxy-authenticate": CHALLENGE });
    if (verdict !== "right") return answer(response, 429, TOO_MANY_TRIES);
    if (hopsLeft(request) === 0) return answerItself(request, response);
    if (absolute === undefined) return answer(response, 400, "A proxy wants an absolute URL that starts with http://.");
    if (isAmbiguous(request.rawHeaders)) return answer(response, 400, "The length of the body is ambiguous.");
    const connection = this.#connectionOf(request.socket);
    connection?.asked();
    const active = (): void => connection?.active();
    const { target, host, path } = absolute;
    const note = (what: string): void => {
      this.#context.log(`http ${request.method} → ${describeTarget(target)}: ${what}`);
    };
    const headers = { ...forwardedFields(request), ...framingOf(request), host };
    const repeatable = SAFE_METHODS.has(request.method!) && !hasBody(request);
    const unusable = (): void => answer(response, 502, `${describeTarget(target)}: its answer cannot be passed on.`);
    const begin = (attempt: "first" | "second"): void => {
      const { host: name, port } = target;
      const upstream = send({ agent, host: name, port, method: request.method!, path, headers });
      let reused = false;
      upstream.once("socket", (socket) => {
        reused = this.#used.has(socket);
        this.#used.add(socket);
      });
      endWithConnection(upstream);
      upstream.on("response", (incoming) => {
        note(String(incoming.statusCode));
        try {
          passOn(incoming, response, active);
        } catch {
          incoming.destroy();
          unusable();
        }
      });
      // Nobody asked it to.
      upstream.on("upgrade", (_incoming, switched) => {
        switched.destroy();
        unusable();
      });
      upstream.on("error", (error) => {
        // Given up: nobody waits for it.
        if (response.destroyed) return;
        // A connection that was kept may end in the moment it is used again (RFC 9112 §9.3.1).
        if (attempt === "first" && repeatable && reused && !response.headersSent) return begin("second");
        note(error.message);
        const failure = failureOf(error);
        answer(response, failure === "timed-out" ? 504 : 502, `${describeTarget(target)}: ${failure}.`);
      });
      giveUp = () => void upstream.destroy();
      if (repeatable) upstream.end();
      else request.pipe(upstream);
    };
    active();
    request.on("data", active);
    begin("first");
  }
}
