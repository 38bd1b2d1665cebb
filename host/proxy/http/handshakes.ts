/**
 * Tells which accepted connection a TLS socket has come of: no runtime does, so it is found by its addresses. Those that still shake hands
 * thus have places as all others, and lose them like whoever else is silent.
 */
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Connection } from "../connections.ts";

/** @returns undefined for one that is gone by now */
function addressesOf({ localAddress, remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${localAddress} ${remoteAddress} ${remotePort}`;
}

/** @param connections  by their sockets: has those that were accepted, and gets those of TLS */
export function followHandshakes(server: Server, connections: WeakMap<Duplex, Connection>): void {
  const shaking = new Map<string, Connection>();
  server.on("connection", (socket) => {
    const [connection, addresses] = [connections.get(socket), addressesOf(socket)];
    if (connection === undefined || addresses === undefined) return;
    shaking.set(addresses, connection);
    socket.once("close", () => {
      // They may be a later connection's by now.
      if (shaking.get(addresses) === connection) shaking.delete(addresses);
    });
  });
  server.on("secureConnection", (socket: Socket) => {
    const addresses = addressesOf(socket) ?? "";
    const connection = shaking.get(addresses);
    if (connection === undefined) return void socket.destroy();
    shaking.delete(addresses);
    connections.set(socket, connection);
  });
}
