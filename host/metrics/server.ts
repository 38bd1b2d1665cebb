/**
 * Statistics for monitoring, as Prometheus text over HTTP, on a loopback port or a unix socket. Off unless asked for. It is
 * served by the runtime's own event loop, which the loop driver lets have more turns while this is on. Over TCP a client shows
 * a token, and must have asked for this machine by name or address: a web page whose name has been pointed here has not.
 */
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { MetricsAddressError } from "../errors.ts";
import type { MetricsAddress } from "./metrics-address.ts";
import { keepPlaces } from "./places.ts";
import type { MetricsToken } from "./token.ts";

const REQUEST_TIMEOUT_MS = 5_000;
/** A client that neither asks nor reads for so long is dropped. */
const IDLE_TIMEOUT_MS = 15_000;
const CONNECTIONS_MAX = 16;
const LOCAL_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

export interface MetricsPage {
  readonly contentType: string;
  text(): string;
}

/**
 * Start to listen.
 * @param token wanted from clients; undefined where the system keeps strangers out
 * @throws MetricsAddressError if the address cannot be had
 */
export async function serveMetrics(
  address: MetricsAddress,
  token: MetricsToken | undefined,
  page: MetricsPage,
): Promise<{ close(): void }> {
  const options = { connectionsCheckingInterval: 1_000, requestTimeout: REQUEST_TIMEOUT_MS };
  const server = createServer(options, (request, response) => answer(request, response, token, page));
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.timeout = IDLE_TIMEOUT_MS;
  keepPlaces(server, CONNECTIONS_MAX);
  await listen(server, address);
  // A client that goes away in the middle is no reason to end.
  server.on("error", () => {});
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
      if (address.kind === "unix") removeIfAllowed(address.path);
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: MetricsToken | undefined,
  page: MetricsPage,
): void {
  const refuse = (status: number, headers: Record<string, string>, text: string): void => {
    response.writeHead(status, { Connection: "close", "Content-Type": "text/plain", ...headers }).end(`${text}\n`);
  };
  if (token !== undefined && !LOCAL_HOST.test(request.headers.host ?? "")) {
    refuse(421, {}, "ask for 127.0.0.1, [::1] or localhost");
  } else if (token !== undefined && !token.admits(request.headers.authorization)) {
    refuse(401, { "WWW-Authenticate": 'Bearer realm="wasmguard"' }, "show the token: Authorization: Bearer TOKEN");
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    refuse(405, { Allow: "GET, HEAD" }, "only GET and HEAD");
  } else if (request.url !== "/metrics" && request.url !== "/") {
    refuse(404, {}, "see /metrics");
  } else {
    response.writeHead(200, { "Content-Type": page.contentType, "Cache-Control": "no-store" }).end(page.text());
  }
}

/** A confined process may remove nothing: the daemon has it removed (confine/socket-remover.ts). */
function removeIfAllowed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Left to whoever may.
  }
}

async function listen(server: Server, address: MetricsAddress): Promise<void> {
  if (address.kind === "port") return attempt(server, address, () => server.listen(address.port, address.host));
  if (await isStale(address.path)) rmSync(address.path, { force: true });
  // From the first moment for the owner alone.
  const before = process.umask(0o177);
  try {
    await attempt(server, address, () => server.listen(address.path));
    chmodSync(address.path, 0o600);
  } finally {
    process.umask(before);
  }
}

function attempt(server: Server, address: MetricsAddress, begin: () => void): Promise<void> {
  const text = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new MetricsAddressError(text, cause)));
    server.once("listening", () => {
      server.removeAllListeners("error");
      resolve();
    });
    begin();
  });
}

/** True for a socket that a daemon left which did not end well: nobody listens there. */
function isStale(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("error", (cause: NodeJS.ErrnoException) => resolve(cause.code === "ECONNREFUSED"));
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
  });
}
