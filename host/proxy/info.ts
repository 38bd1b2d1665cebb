/**
 * For monitoring, as wireproxy has it: /metrics tells the tunnel's state in the words of WireGuard's own control socket, keys left
 * out; /readyz whether the addresses of CheckAlive answer. Off unless asked for.
 */
import { createServer } from "node:http";
import { keepPlaces } from "../metrics/places.ts";
import type { TunnelStatus } from "../web/status.ts";
import type { AliveChecks } from "./alive.ts";
import { addressOf, type Listener, listenOn } from "./listen.ts";
import { isLoopback, namesThisMachine } from "./local-name.ts";
import type { Target } from "./way.ts";

const REQUEST_MS = 5_000;
const CHECK_MS = 1_000;
/** A client that neither asks nor reads for so long is dropped. */
const IDLE_MS = 15_000;
const CONNECTIONS_MAX = 64;

function hex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}

/** https://www.wireguard.com/xplatform/#configuration-protocol, less the secret keys */
function metricsText(status: TunnelStatus, nowSeconds: number): string {
  const lines: string[] = [];
  for (const peer of status.peers) {
    lines.push(`public_key=${hex(peer.publicKey)}`);
    if (peer.endpoint !== null) lines.push(`endpoint=${peer.endpoint}`);
    const at = peer.handshakeAgeSeconds === null ? 0 : nowSeconds - peer.handshakeAgeSeconds;
    lines.push(`last_handshake_time_sec=${at}`, "last_handshake_time_nsec=0");
    lines.push(`tx_bytes=${peer.sent}`, `rx_bytes=${peer.received}`);
  }
  for (const [name, count] of Object.entries(status.connections ?? {})) lines.push(`connections_${name}=${count}`);
  for (const [reason, count] of Object.entries(status.drops))
    lines.push(`dropped_${reason.replaceAll("-", "_")}=${count}`);
  return `${lines.join("\n")}\n`;
}

/** @throws ListenError */
export async function serveInfo(bind: Target, status: () => TunnelStatus, alive: AliveChecks): Promise<Listener> {
  const limits = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS };
  const server = createServer(limits, (request, response) => {
    const path = (request.url ?? "").split("?")[0];
    if (isLoopback(bind.host) && !namesThisMachine(request.headers.host)) {
      response.writeHead(421, { "Content-Type": "text/plain" }).end("ask for it as 127.0.0.1, [::1] or localhost\n");
    } else if (request.method !== "GET" && request.method !== "HEAD")
      response.writeHead(405, { Allow: "GET, HEAD" }).end();
    else if (path === "/metrics") {
      response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(metricsText(status(), Math.floor(Date.now() / 1000)));
    } else if (path === "/readyz") {
      response.writeHead(alive.ready ? 200 : 503, { "Content-Type": "application/json" });
      response.end(JSON.stringify(alive.times()));
    } else response.writeHead(404, { "Content-Type": "text/plain" }).end("see /metrics and /readyz\n");
  });
  server.timeout = IDLE_MS;
  keepPlaces(server, CONNECTIONS_MAX);
  await listenOn(server, bind);
  return {
    address: addressOf(server, bind),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
