/** Passes TLS connections on, unopened, to the host that they name in their first message, at port 443. */
import type { Socket } from "node:net";
import type { Connection } from "../connections.ts";
import { type Context, carry, connectWithin } from "../context.ts";
import { type Listener, listenTcp } from "../listen.ts";
import { reset } from "../relay.ts";
import { describeTarget, type Target } from "../way.ts";
import { HelloReader } from "./client-hello.ts";

const HTTPS = 443;

/** @throws ListenError */
export function serveSni(context: Context, bind: Target): Promise<Listener> {
  return listenTcp(bind, (socket) => {
    const connection = context.connections.meet(socket);
    if (connection !== undefined) void serve(context, socket, connection);
  });
}

/** Never rejects. */
async function serve(context: Context, socket: Socket, connection: Connection): Promise<void> {
  const from = describeTarget({ host: socket.remoteAddress ?? "?", port: socket.remotePort ?? 0 });
  const slow = setTimeout(() => reset(socket), context.requestMs);
  const { name, why } = await readName(socket);
  clearTimeout(slow);
  if (name === undefined) {
    context.log(`sni ${from}: ${why}`);
    return reset(socket);
  }
  connection.asked();
  const target = { host: name, port: HTTPS };
  const label = `sni ${from} → ${describeTarget(target)}`;
  try {
    const far = await connectWithin(context, target, socket);
    await carry(context, { connection, near: socket, far, label });
  } catch (error) {
    context.log(`${label}: ${error instanceof Error ? error.message : error}`);
    reset(socket);
  }
}

/** Read until the name is known, and put everything back. */
function readName(socket: Socket): Promise<{ name?: string; why?: string }> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const reader = new HelloReader();
    const finish = (result: { name?: string; why?: string }): void => {
      socket.off("data", more).off("end", gone).off("close", gone);
      socket.pause();
      if (pieces.length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(pieces));
      resolve(result);
    };
    const gone = (): void => finish({ why: "ended before it named a server" });
    const more = (chunk: Buffer): void => {
      pieces.push(chunk);
      const hello = reader.add(chunk);
      if (hello.kind === "name") finish({ name: hello.name });
      if (hello.kind === "invalid") finish({ why: hello.why });
    };
    socket.on("data", more).on("end", gone).on("close", gone);
  });
}
