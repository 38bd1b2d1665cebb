/** A server of one of the two nodes, closed after the test. */
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { TunnelServer } from "../../../../host/sockets/server.ts";
import type { TunnelSocket } from "../../../../host/sockets/socket.ts";
import type { Node } from "./pair.ts";

/** @returns its port */
export async function inside(node: Node, onConnection: (socket: TunnelSocket) => void): Promise<number> {
  const server = new TunnelServer(node, { allowHalfOpen: true }, onConnection as never);
  server.listen(0);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server.address()!.port;
}
