/** Plain requests through the proxy (`GET http://host/path`), each sent on by the runtime's HTTP client over the tunnel's connections. */
import { Agent, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { Duplex } from "node:stream";
import type { Connection } from "../connections.ts";
import { type Context, connectWithin } from "../context.ts";
import { failureOf } from "../failure.ts";
import type { Login } from "../login.ts";
import { describeTarget } from "../way.ts";
import { CHALLENGE, isAuthorized } from "./authorization.ts";
import { isAmbiguous, passingFields } from "./headers.ts";
import { absoluteTarget } from "./target.ts";

const VIA = "1.1 wasmguard";

function answer(response: ServerResponse, status: number, text: string, fields: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "text/plain", connection: "close", ...fields });
  response.end(`${text}\n`);
}

/** May be sent again without harm (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

function passOn(incoming: IncomingMessage, response: ServerResponse, active: () => void): void {
  response.writeHead(incoming.statusCode!, incoming.statusMessage, { ...passingFields(incoming.rawHeaders), via: VIA });
  incoming.on("data", active);
  // Cut in the middle there, cut in the middle here: half an answer must not look whole.
  incoming.on("error", () => response.destroy());
  incoming.on("aborted", () => response.destroy());
  incoming.pipe(response);
}

export class PlainRequests {
  readonly #context: Context;
  readonly #login: Login | undefined;
  readonly #connectionOf: (socket: Duplex) => Connection | undefined;
  readonly #agent: Agent;

  constructor(context: Context, login: Login | undefined, connectionOf: (socket: Duplex) => Connection | undefined) {
    this.#context = context;
    this.#login = login;
    this.#connectionOf = connectionOf;
    this.#agent = new Agent({ keepAlive: true });
    // The agent asks for a connection here; without this it would go out of this machine's own network.
    this.#agent.createConnection = (options, callback) => {
      const target = { host: String(options.host).replace(/^\[(.*)\]$/, "$1"), port: Number(options.port) };
      // A connection that comes after its request was given up serves the next one.
      connectWithin(this.#context, target).then(
        (stream) => {
          // The server has ended: the connection must not wait for another request.
          stream.once("end", () => stream.end());
          callback?.(null, stream);
        },
        (error: Error) => callback?.(error, undefined as unknown as Duplex),
      );
      return undefined;
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const absolute = absoluteTarget(request.url ?? "");
    if (!isAuthorized(this.#login, request.headers["proxy-authorization"])) {
      return answer(response, 407, "This proxy wants a user and a password.", { "proxy-authenticate": CHALLENGE });
    }
    if (absolute === undefined) return answer(response, 400, "A proxy wants an absolute URL that starts with http://.");
    if (isAmbiguous(request.rawHeaders)) return answer(response, 400, "The length of the body is ambiguous.");
    const connection = this.#connectionOf(request.socket);
    const active = (): void => connection?.active();
    const { target, host, path } = absolute;
    const note = (what: string): void => {
      this.#context.log(`http ${request.method} → ${describeTarget(target)}: ${what}`);
    };
    const headers = { ...passingFields(request.rawHeaders), host, via: VIA };
    const repeatable = SAFE_METHODS.has(request.method!) && !hasBody(request);
    const begin = (attempt: "first" | "second"): void => {
      const { host: name, port } = target;
      const upstream = send({ agent: this.#agent, host: name, port, method: request.method!, path, headers });
      upstream.on("response", (incoming) => {
        note(String(incoming.statusCode));
        passOn(incoming, response, active);
      });
      upstream.on("error", (error) => {
        // A connection that was kept may end in the moment it is used again (RFC 9112 §9.3.1).
        if (attempt === "first" && repeatable && upstream.reusedSocket && !response.headersSent) return begin("second");
        note(error.message);
        const failure = failureOf(error);
        answer(response, failure === "timed-out" ? 504 : 502, `${describeTarget(target)}: ${failure}.`);
      });
      response.once("close", () => {
        if (!response.writableFinished) upstream.destroy();
      });
      if (repeatable) upstream.end();
      else request.pipe(upstream);
    };
    active();
    request.on("data", active);
    begin("first");
  }
}
