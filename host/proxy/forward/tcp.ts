/** Forwards of TCP connections: a local port to a target inside, a port inside to a target of this machine, and stdio to a target. */
import { connect as connectHere } from "node:net";
import { Duplex, type Readable, type Writable } from "node:stream";
import { type Context, carry, connectWithin } from "../context.ts";
import { type Listener, listenTcp } from "../listen.ts";
import { type RelayReport, reset } from "../relay.ts";
import { describeTarget, type InnerListener, type Target } from "../way.ts";

/** What comes to `bind` goes to `target` inside. @throws ListenError */
export function forwardOut(context: Context, bind: Target, target: Target): Promise<Listener> {
  return listenTcp(bind, async (socket) => {
    const connection = context.connections.add(socket);
    if (connection === undefined) return;
    const from = describeTarget({ host: socket.remoteAddress ?? "?", port: socket.remotePort ?? 0 });
    const label = `forward ${from} → ${describeTarget(target)}`;
    try {
      const far = await connectWithin(context, target, socket);
      await carry(context, { connection, near: socket, far, label });
    } catch (error) {
      context.log(`${label}: ${error instanceof Error ? error.message : error}`);
      reset(socket);
    }
  });
}

/** What comes to `port` inside goes to `target` as this machine reaches it. */
export function forwardIn(context: Context, port: number, target: Target): Promise<InnerListener> {
  return context.way.listen(port, async (stream) => {
    const connection = context.connections.add(stream);
    if (connection === undefined) return;
    const label = `forward from inside :${port} → ${describeTarget(target)}`;
    try {
      const far = await connectLocally(target, context.connectMs, stream);
      await carry(context, { connection, near: stream, far, label });
    } catch (error) {
      context.log(`${label}: ${error instanceof Error ? error.message : error}`);
      reset(stream);
    }
  });
}

/** No longer than the client waits. */
function connectLocally({ host, port }: Target, withinMs: number, client: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectHere({ host, port, noDelay: true, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${withinMs / 1000} s`)), withinMs);
    const gone = (): void => void socket.destroy(new Error("the client went away"));
    const stop = (): void => {
      clearTimeout(timer);
      client.off("close", gone);
    };
    client.once("close", gone);
    socket.once("error", (error) => {
      stop();
      reject(error);
    });
    socket.once("connect", () => {
      stop();
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

/** Standard input and output are one connection: ssh's ProxyCommand. @returns when both directions have ended */
export async function forwardStdio(
  context: Context,
  target: Target,
  { input, output }: { input: Readable; output: Writable },
): Promise<RelayReport> {
  const near = Duplex.from({ readable: input, writable: output } as unknown as NodeJS.ReadWriteStream);
  const connection = context.connections.add(near);
  if (connection === undefined) throw new Error("no connection is left for stdio");
  const far = await connectWithin(context, target, near);
  return carry(context, { connection, near, far, label: `stdio → ${describeTarget(target)}` });
}
