/** A context whose way is loopback, servers to reach through it, and clients that say exactly what a test wants. */

import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { onTestFinished } from "vitest";
import type { UsersOf } from "../../../../host/proxy/client.ts";
import { Connections } from "../../../../host/proxy/connections.ts";
import type { Context } from "../../../../host/proxy/context.ts";
import { type DirectWay, directWay } from "./direct-way.ts";

export const ANY = { host: "127.0.0.1", port: 0 };

export interface Bed {
  readonly context: Context;
  readonly way: DirectWay;
  readonly connections: Connections;
  readonly log: string[];
}

export interface BedOptions {
  readonly most?: number;
  readonly idleMs?: number;
  readonly requestMs?: number;
  readonly connectMs?: number;
  readonly users?: UsersOf;
  readonly used?: () => void;
}

export function bed(options: BedOptions = {}): Bed {
  const { most = 100, idleMs = 0, requestMs = 20_000, connectMs = 20_000, users, used } = options;
  const way = directWay();
  const connections = new Connections({ most, idleMs, ...(used && { used }) });
  onTestFinished(() => connections.close());
  const log: string[] = [];
  const context: Context = { way, connections, requestMs, connectMs, users, log: (line) => log.push(line) };
  return { way, connections, log, context };
}

/** A server that answers, once its client has said all, with what it got; closed when the test is over. @returns its port */
export async function echoServer(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => socket.end(Buffer.concat([Buffer.from("echo:"), ...chunks])));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Clients that say `text`, and stay until the test is over. */
export async function crowd(port: number, size: number, text: string | Uint8Array): Promise<void> {
  for (let i = 0; i < size; i++) {
    const client = connect(port, "127.0.0.1");
    onTestFinished(() => void client.destroy());
    client.on("error", () => {}).resume();
    await new Promise((done) => client.once("connect", done));
    client.write(text);
  }
}

export interface Conversation {
  readonly text: string;
  /** The connection was reset instead of closed. */
  readonly reset: boolean;
}

/**
 * Say `pieces` one after the other, each once the last has been sent.
 * @param ending whether the client half-closes behind them
 * @returns all that came until the other side closed
 */
export function converse(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  ending: "end" | "stay" = "end",
): Promise<Conversation> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let reset = false;
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    onTestFinished(() => void socket.destroy());
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => socket.end());
    socket.on("error", () => {
      reset = true;
    });
    socket.on("close", () => resolve({ text: Buffer.concat(chunks).toString("latin1"), reset }));
    const say = (left: readonly (string | Uint8Array)[]): void => {
      const [first, ...rest] = left;
      if (first === undefined) {
        if (ending === "end") socket.end();
        return;
      }
      // A turn of the event loop between them, so that they arrive in pieces.
      socket.write(first, () => setImmediate(() => say(rest)));
    };
    say(pieces);
  });
}
