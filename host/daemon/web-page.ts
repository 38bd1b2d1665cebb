/**
 * A daemon's page (--web): on a loopback port, opened before rights are given up. Its address holds a token, so it is written to a file for root
 * alone, beside the tunnel's socket, and nowhere else. Where there is no such place (Windows) the token is the administrator's, who knows it.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { formatEndpoint, type Zones } from "../address/endpoint-text.ts";
import type { Engine } from "../engine/engine.ts";
import { MetricsTokenError } from "../errors.ts";
import { readToken } from "../metrics/token.ts";
import { socketPath } from "../uapi/socket-path.ts";
import { serveWeb } from "../web/server.ts";
import type { TunnelStatus } from "../web/status.ts";

export interface WebAddress {
  readonly host: string;
  readonly port: number;
  /** Of this program, for the page's foot. */
  readonly version: string;
  /** The administrator's token; without it one is made at each start. */
  readonly tokenFile?: string | undefined;
}

/** What an address may have between two slashes as it is. */
const SEGMENT = /^[A-Za-z0-9._~-]+$/;

function readAddressToken(file: string): string {
  const token = readToken(file);
  if (SEGMENT.test(token)) return token;
  throw new MetricsTokenError(
    `${file} holds a token that no page's address can have: more than letters, digits or ._~-`,
  );
}

function statusOf(name: string, version: string, engine: Engine, zones: Zones): TunnelStatus {
  const now = Date.now() / 1000;
  const peers = Array.from(engine.peers(), (peer) => {
    const endpoint = peer.endpoint();
    const { seconds } = peer.lastHandshake();
    const key = engine.core.bytes.subarray(peer.publicKey, peer.publicKey + 32);
    return {
      publicKey: btoa(String.fromCharCode(...key)),
      endpoint: endpoint === undefined ? null : formatEndpoint(endpoint, zones),
      handshakeAgeSeconds: seconds === 0 ? null : Math.max(0, Math.round(now - seconds)),
      received: Number(peer.rxBytes()),
      sent: Number(peer.txBytes()),
    };
  });
  const drops = Object.fromEntries(Object.entries(engine.drops()).map(([reason, count]) => [reason, Number(count)]));
  return { name, version, peers, drops, connections: null };
}

/**
 * @returns `file`: what is to go with the page, if it was made
 * @throws ListenError, MetricsTokenError, or the system's error if the file cannot be written
 */
export async function startWebPage(
  interfaceName: string,
  { host, port, version, tokenFile }: WebAddress,
  engine: Engine,
  zones: Zones,
): Promise<{ readonly file: string | undefined; close(): void }> {
  const token = tokenFile === undefined ? undefined : readAddressToken(tokenFile);
  const page = await serveWeb({ host, port }, () => statusOf(interfaceName, version, engine, zones), token);
  if (token !== undefined) return { file: undefined, close: () => page.close() };
  const file = `${dirname(socketPath(interfaceName))}/${interfaceName}.web`;
  try {
    rmSync(file, { force: true });
    const descriptor = openSync(file, "wx", 0o600);
    writeSync(descriptor, `${page.url}\n`);
    closeSync(descriptor);
  } catch (error) {
    page.close();
    throw error;
  }
  return { file, close: () => page.close() };
}
