/**
 * `fetch` through the tunnel, on the runtime's HTTP clients: what a runtime does with a dispatcher of its own fetch differs, and some go around it.
 * Redirects, content codings and abort as the Fetch standard has them; no cookies, no cache, no CORS, as in every server-side fetch.
 */
import { Readable } from "node:stream";
import { decoded, discard, nodeStream, webStream } from "./body.ts";
import type { HttpTransport, Received, Sending } from "./transport.ts";

const REDIRECTS_MAX = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const BODILESS = new Set([101, 204, 205, 304]);

type Body = Sending["body"];

/** Fields that a body brings; they go with it. */
const BODY_FIELDS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "transfer-encoding",
];
/** What is meant for one host alone. */
const SECRET_FIELDS = ["authorization", "cookie", "host", "proxy-authorization"];

async function bodyOf(request: Request, kind: "in memory" | "streamed"): Promise<Body> {
  if (request.body === null) return undefined;
  // What is in memory anyway is kept, so that it can be sent again after a redirect.
  if (kind === "in memory") return new Uint8Array(await request.arrayBuffer());
  return nodeStream(request.body);
}

function headersOf(given: Readonly<Record<string, string>>, body: Body): Record<string, string> {
  const headers = { ...given };
  headers.accept ??= "*/*";
  headers["accept-encoding"] ??= "gzip, deflate, br";
  headers["user-agent"] ??= "wasmguard";
  if (body instanceof Uint8Array) headers["content-length"] = String(body.length);
  else delete headers["content-length"];
  return headers;
}

function responseOf(received: Received, { method, url }: Sending, redirects: number): Response {
  const headers = new Headers();
  for (let i = 0; i < received.headers.length; i += 2) headers.append(received.headers[i]!, received.headers[i + 1]!);
  const bodiless = method === "HEAD" || BODILESS.has(received.status);
  if (bodiless) discard(received.body);
  const body = bodiless ? null : webStream(decoded(received.body, headers.get("content-encoding") ?? undefined));
  const { status, statusText } = received;
  const response = new Response(body, { status, statusText, headers });
  Object.defineProperties(response, { url: { value: url.href }, redirected: { value: redirects > 0 } });
  return response;
}

/** Where a redirect leads, with what of the request. @throws TypeError */
function redirectedTo(sending: Sending, received: Received): Sending | undefined {
  const { status } = received;
  const at = received.headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "location");
  const location = received.headers[at + 1];
  if (!REDIRECTS.has(status) || at < 0 || location === undefined) return undefined;
  if (!URL.canParse(location, sending.url)) throw new TypeError("a redirect to no valid address");
  const url = new URL(location, sending.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`a redirect to ${url.protocol}`);
  if (url.hash === "") url.hash = sending.url.hash;
  const { method } = sending;
  const becomesGet = status === 303 ? method !== "GET" && method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet && sending.body instanceof Readable)
    throw new TypeError("a redirect of a body that cannot be sent again");
  const headers = { ...sending.headers };
  if (becomesGet) for (const name of BODY_FIELDS) delete headers[name];
  if (url.origin !== sending.url.origin) for (const name of SECRET_FIELDS) delete headers[name];
  return { ...sending, url, headers, ...(becomesGet && { method: "GET", body: undefined }) };
}

/**
 * What signals depend on: in Node a request follows its caller's signal by weak references, and once it was collected, its own signal
 * is never aborted. Who listens to a signal holds it, and this with it.
 */
const HELD = new WeakMap<AbortSignal, readonly unknown[]>();

export function makeFetch(transport: HttpTransport): typeof fetch {
  return async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const streamed = init?.body instanceof ReadableStream || (init?.body == null && input instanceof Request);
    const request = new Request(input, streamed ? ({ duplex: "half", ...init } as RequestInit) : init);
    const { signal, method, redirect } = request;
    if (signal.aborted) {
      request.body?.cancel(signal.reason).catch(() => {});
      throw signal.reason;
    }
    HELD.set(signal, [request, input]);
    const url = new URL(request.url);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`cannot fetch ${url.protocol}`);
    // Before the body is taken: in Bun its type goes with it.
    const headers: Record<string, string> = Object.fromEntries(request.headers);
    const body = await bodyOf(request, streamed ? "streamed" : "in memory");
    let sending: Sending = { method, url, headers: headersOf(headers, body), body, signal };
    for (let redirects = 0; ; redirects++) {
      const received = await attempt(transport, sending);
      try {
        const next = redirect === "manual" ? undefined : redirectedTo(sending, received);
        if (next === undefined) return responseOf(received, sending, redirects);
        if (redirect === "error") throw new TypeError("a redirect, and none was wanted");
        if (redirects === REDIRECTS_MAX) throw new TypeError(`more than ${REDIRECTS_MAX} redirects`);
        discard(received.body);
        sending = next;
      } catch (error) {
        // A status or a field that no Response may have, or a redirect that is not followed.
        received.body.destroy();
        throw error instanceof TypeError ? error : new TypeError("an answer that is none", { cause: error });
      }
    }
  };
}

async function attempt(transport: HttpTransport, sending: Sending): Promise<Received> {
  const { signal } = sending;
  try {
    const received = await transport.send(sending);
    // Deno's client may answer all the same.
    if (signal?.aborted) received.body.destroy();
    signal?.throwIfAborted();
    return received;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new TypeError("fetch failed", { cause: error });
  }
}
