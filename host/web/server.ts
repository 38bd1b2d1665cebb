/**
 * One small page about a tunnel, off unless asked for: on a loopback port, behind a token in its address that only who started the
 * program is told. The page loads nothing from elsewhere and may run nothing but its own script.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { keepPlaces } from "../metrics/places.ts";
import { addressOf, listenOn } from "../proxy/listen.ts";
import { namesThisMachine } from "../proxy/local-name.ts";
import { describeTarget, type Target } from "../proxy/way.ts";
import type { TunnelStatus } from "./status.ts";

const REQUEST_MS = 5_000;
const CHECK_MS = 1_000;
/** A client that neither asks nor reads for so long is dropped. */
const IDLE_MS = 15_000;
const CONNECTIONS_MAX = 16;
const TOKEN_BYTES = 16;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** Read at the start: a confined process opens no file later. */
function readAssets(): Map<string, Asset> {
  const read = (name: string, type: string): Asset => ({
    type,
    bytes: readFileSync(new URL(`./assets/${name}`, import.meta.url)),
  });
  return new Map([
    ["", read("page.html", "text/html; charset=utf-8")],
    ["page.css", read("page.css", "text/css; charset=utf-8")],
    ["page.js", read("page.js", "text/javascript; charset=utf-8")],
  ]);
}

function sameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface WebPage {
  /** To be opened in a browser; it holds the token. */
  readonly url: string;
  close(): void;
}

function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/**
 * @param bind    a loopback address
 * @param status  what is so at the moment
 * @param token   a segment of an address
 * @throws        ListenError
 */
export async function serveWeb(bind: Target, status: () => TunnelStatus, token = makeToken()): Promise<WebPage> {
  const assets = readAssets();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const refuse = (code: number, text: string): void => {
      response.writeHead(code, { ...HEADERS, "Content-Type": "text/plain" }).end(`${text}\n`);
    };
    // A page elsewhere whose name points to this machine must not read what it may not.
    if (!namesThisMachine(request.headers.host)) return refuse(403, "Ask for it as 127.0.0.1 or localhost.");
    const [, given = "", name = "", more] = (request.url ?? "").split("/");
    if (!sameText(given, token) || more !== undefined) return refuse(404, "There is nothing here.");
    if (request.method !== "GET") return refuse(405, "The page is only to be read.");
    const asset = assets.get(name);
    if (asset !== undefined) response.writeHead(200, { ...HEADERS, "Content-Type": asset.type }).end(asset.bytes);
    else if (name !== "status") refuse(404, "There is nothing here.");
    else response.writeHead(200, { ...HEADERS, "Content-Type": "application/json" }).end(JSON.stringify(status()));
  };
  const limits = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS };
  const server = createServer(limits, answer);
  server.timeout = IDLE_MS;
  keepPlaces(server, CONNECTIONS_MAX);
  await listenOn(server, bind);
  return {
    url: `http://${describeTarget(addressOf(server, bind))}/${token}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
