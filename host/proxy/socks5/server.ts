/** A SOCKS5 proxy (RFC 1928): CONNECT and UDP ASSOCIATE. Names are looked up on the far side. BIND is refused. */
import type { Socket } from "node:net";
import { clientOf, plainAddress, userOf } from "../client.ts";
import type { Connection } from "../connections.ts";
import { type Context, carry, connectWithin } from "../context.ts";
import { type Failure, failureOf } from "../failure.ts";
import { type Listener, listenTcp } from "../listen.ts";
import type { Login } from "../login.ts";
import { dismiss, reset } from "../relay.ts";
import { describeTarget, type Target } from "../way.ts";
import { formatAddress } from "./address.ts";
import { associate } from "./associate.ts";
import { NegotiationError, negotiate, REPLY, type Request } from "./negotiation.ts";

const REPLIES: Record<Failure, number> = {
  refused: REPLY.refused,
  "host-unreachable": REPLY.hostUnreachable,
  "net-unreachable": REPLY.netUnreachable,
  "timed-out": REPLY.hostUnreachable,
  "not-found": REPLY.hostUnreachable,
  denied: REPLY.denied,
  general: REPLY.general,
};
/** There is no address to tell: the far side's is nobody's business here. */
const NO_ADDRESS: Target = { host: "0.0.0.0", port: 0 };

export interface Socks5Options {
  readonly bind: Target;
  readonly login?: Login | undefined;
}

/** @throws ListenError */
export function serveSocks5(context: Context, { bind, login }: Socks5Options): Promise<Listener> {
  return listenTcp(bind, (socket) => {
    const connection = context.connections.meet(socket);
    if (connection !== undefined) void serve(context, socket, connection, login);
  });
}

function reply(socket: Socket, code: number, address: Target): void {
  socket.write(Buffer.concat([Uint8Array.of(5, code, 0), formatAddress(address)]));
}

/** Serve one client until it has gone. Never rejects. */
async function serve(
  context: Context,
  socket: Socket,
  connection: Connection,
  login: Login | undefined,
): Promise<void> {
  const from = describeTarget({ host: socket.remoteAddress ?? "?", port: socket.remotePort ?? 0 });
  const slow = setTimeout(() => reset(socket), context.requestMs);
  let request: Request;
  try {
    request = await negotiate(socket, login, () => clientOf(socket, context.users));
  } catch (error) {
    if (error instanceof NegotiationError) {
      context.log(`socks5 ${from}: ${error.message}`);
      if (error.reply !== undefined) reply(socket, error.reply, NO_ADDRESS);
      dismiss(socket);
    } else reset(socket);
    return;
  } finally {
    clearTimeout(slow);
  }
  connection.asked();
  const label = `socks5 ${from} → ${describeTarget(request.target)}`;
  try {
    if (request.command === "associate") {
      const client = { host: plainAddress(socket.remoteAddress ?? ""), port: request.target.port };
      const relay = await associate(context, {
        local: plainAddress(socket.localAddress ?? ""),
        client,
        user: userOf(socket, context.users),
        active: () => connection.active(),
      });
      // The association lives as long as the connection that asked for it (RFC 1928 §6), which may be over already.
      if (socket.destroyed) return relay.close();
      reply(socket, REPLY.succeeded, relay.address);
      socket.once("close", () => relay.close());
      socket.resume();
      socket.once("end", () => socket.end());
      return context.log(`socks5 ${from}: UDP association`);
    }
    const far = await connectWithin(context, request.target, socket);
    reply(socket, REPLY.succeeded, NO_ADDRESS);
    await carry(context, { connection, near: socket, far, label });
  } catch (error) {
    context.log(`${label}: ${error instanceof Error ? error.message : error}`);
    if (socket.destroyed) return;
    reply(socket, REPLIES[failureOf(error)], NO_ADDRESS);
    dismiss(socket);
  }
}
