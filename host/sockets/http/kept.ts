/**
 * Requests on connections that were kept from an earlier one: a server may end such a connection while the request is on its way. Whether it
 * has seen the request nobody can tell, so only what may be done twice is sent again, once and on a new connection (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 * A server of HTTP/2 may refuse a request unseen, and go on with the session (RFC 9113 §8.7): it is sent once more there.
 */
import { Readable } from "node:stream";
import type { Sending } from "./transport.ts";

/** Of RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** How connections end; what is wrong with an answer is another matter, and would be wrong once more. */
const ENDS = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_PREMATURE_CLOSE"]);
/** HTTP/2: the request was not sent. */
const UNSENT = new Set(["ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_GOAWAY_SESSION"]);

/** "unknown": whether the server has seen the request. */
export type Seen = "unknown" | "unseen";

export class KeptConnectionError extends Error {
  override readonly name = "KeptConnectionError";
  readonly code = "ECONNRESET";
  readonly seen: Seen;

  constructor(seen: Seen, cause: unknown) {
    const unseen = "the server has not looked at the request: it refused it, or ended its connection before";
    const unknown = "a connection kept from an earlier request was ended before the answer";
    super(seen === "unseen" ? unseen : unknown, { cause });
    this.seen = seen;
  }
}

/** The connection ended before the answer began, and nothing else is known. */
export class EndedError extends Error {
  override readonly name = "EndedError";
  readonly code = "ECONNRESET";
  constructor() {
    super("the connection ended before the answer");
  }
}

/** What became of a request on a kept connection. */
export function keptFailure(error: unknown): unknown {
  if (error instanceof KeptConnectionError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  if (UNSENT.has(code)) return new KeptConnectionError("unseen", error);
  return ENDS.has(code) ? new KeptConnectionError("unknown", error) : error;
}

/** Whether the server may do it twice. */
export function isRepeatable({ method, body }: Sending): boolean {
  return body === undefined && IDEMPOTENT.has(method);
}

/** Whether it may be sent once more after this. */
export function mayRepeat(sending: Sending, error: unknown): boolean {
  if (!(error instanceof KeptConnectionError) || sending.signal?.aborted) return false;
  return error.seen === "unseen" ? !(sending.body instanceof Readable) : isRepeatable(sending);
}
