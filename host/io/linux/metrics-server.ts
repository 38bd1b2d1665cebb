/**
 * Statistics for monitoring, as Prometheus text over HTTP, on a loopback port or a unix socket. Off unless asked for. It is
 * served by the runtime's own event loop, which the loop driver lets have more turns while this is on.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { MetricsAddressError } from "../../errors.ts";
import type { MetricsAddress } from "../metrics-address.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 16;

/**
 * Start to listen.
 * @param page the text to serve, and its content type
 * @throws MetricsAddressError if the address cannot be had
 */
export async function serveMetrics(
  address: MetricsAddress,
  contentType: string,
  page: () => string,
): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { Allow: "GET, HEAD" }).end();
    } else if (request.url !== "/metrics" && request.url !== "/") {
      response.writeHead(404).end("see /metrics\n");
    } else {
      response.writeHead(200, { "Content-Type": contentType }).end(page());
    }
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
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

/** A confined process may remove nothing: the daemon has it removed (confine/socket-remover.ts). */
function removeIfAllowed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Left to whoever may.
  }
}

function listen(server: Server, address: MetricsAddress): Promise<void> {
  const text = address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new MetricsAddressError(text, cause)));
    const done = (): void => {
      server.removeAllListeners("error");
      if (address.kind === "unix") chmodSync(address.path, 0o600);
      resolve();
    };
    if (address.kind === "unix") server.listen(address.path, done);
    else server.listen(address.port, address.host, done);
  });
}
