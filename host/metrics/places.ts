/** Places for the connections of a small HTTP server. Who needs one gets that of whoever has asked nothing for the longest time. */
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

/** Have `server` keep at most `most` connections. Nobody keeps others out by staying silent, then. */
export function keepPlaces(server: Server, most: number): void {
  /** In the order of their last request, or else of their coming. */
  const taken = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    const [oldest] = taken;
    if (taken.size >= most && oldest !== undefined) {
      taken.delete(oldest);
      oldest.destroy();
    }
    taken.add(socket);
    socket.once("close", () => taken.delete(socket));
  });
  server.on("request", ({ socket }: IncomingMessage) => {
    if (taken.delete(socket)) taken.add(socket);
  });
}
