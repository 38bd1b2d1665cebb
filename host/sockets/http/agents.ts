/** Agents for node:http and node:https whose connections go through the tunnel, and nowhere else. */
import { type AgentOptions, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { SocketContext } from "../dial.ts";
import { TunnelSocket } from "../socket.ts";

/** How long a connection is kept for the next request. */
const KEPT_MS = 30_000;

interface Asked {
  readonly host?: string | null | undefined;
  readonly hostname?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly servername?: string | undefined;
}

function hostOf({ host, hostname }: Asked): string {
  return (host || hostname || "localhost").replace(/^\[(.*)\]$/, "$1");
}

/** @param otherwise the port where none is asked for */
export function open(context: SocketContext, asked: Asked, otherwise: number): TunnelSocket {
  const socket = new TunnelSocket(context, { noDelay: true });
  return socket.connect({ host: hostOf(asked), port: Number(asked.port || otherwise) });
}

/** TLS over a connection through the tunnel. The certificate is checked against the host's name as always. */
export function openTls(context: SocketContext, asked: ConnectionOptions): TLSSocket {
  const host = hostOf(asked);
  const socket = open(context, asked, 443);
  const isAddress = /^[\d.]+$|:/.test(host);
  const { path: _, socketPath: __, lookup: ___, ...rest } = asked as Record<string, unknown>;
  const tls = connectTls({ ...rest, host, socket, ...(!isAddress && { servername: asked.servername || host }) });
  // TLS tells what becomes of the connection beneath it; should it not, as in its last moments, nobody else has to hear. Nor need anybody
  // hear it twice, as TLS may tell it: who has heard may have stopped to listen.
  socket.on("error", (error) => tls.destroy(error));
  tls.on("error", () => {});
  // In Deno and Bun it does not end the connection beneath it.
  tls.once("close", () => socket.destroy());
  return tls;
}

/** Whether it was given up while it was being made: agents keep it for their next request, though there may be nobody. */
function isUnmade(socket: Duplex): boolean {
  const { connecting, secureConnecting } = socket as { connecting?: boolean; secureConnecting?: boolean };
  return connecting === true || secureConnecting === true;
}

class PlainAgent extends HttpAgent {
  override keepSocketAlive(socket: Duplex) {
    return !isUnmade(socket) && super.keepSocketAlive(socket);
  }
}

class SecureAgent extends HttpsAgent {
  override keepSocketAlive(socket: Duplex) {
    return !isUnmade(socket) && super.keepSocketAlive(socket);
  }
}

export function makeHttpAgent(context: SocketContext, options: AgentOptions = {}): HttpAgent {
  const agent = new PlainAgent({ keepAlive: true, timeout: KEPT_MS, ...options });
  // At once, not when it is made: a request that is given up meanwhile ends the connection that it has, and waits for one that it has not.
  agent.createConnection = ((asked: Asked) => open(context, asked, 80)) as HttpAgent["createConnection"];
  return agent;
}

export function makeHttpsAgent(context: SocketContext, options: HttpsAgentOptions = {}): HttpsAgent {
  const agent = new SecureAgent({ keepAlive: true, timeout: KEPT_MS, ...options });
  agent.createConnection = ((asked: Asked) =>
    openTls(context, {
      ...asked,
      host: hostOf(asked),
      hostname: undefined,
    } as ConnectionOptions)) as HttpsAgent["createConnection"];
  return agent;
}
