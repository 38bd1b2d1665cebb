/** The tunnel's network as the way of proxies and forwards. */
import type { Network } from "../network/network.ts";
import type { TunnelDatagramSocket } from "../sockets/datagram.ts";
import type { Datagrams, OnDatagram, Target, Way } from "./way.ts";

/** Datagrams that may wait for a name or for room, of one socket. */
const WAITING_MAX = 256;

/** Sends until the socket is closed; what comes faster than it can leave is lost. */
function sending(socket: TunnelDatagramSocket): (payload: Uint8Array, to?: Target) => void {
  let open = true;
  socket.once("close", () => {
    open = false;
  });
  // What ICMP says is nobody's business here.
  socket.on("error", () => {});
  return (payload, to) => {
    if (!open || socket.getSendQueueCount() >= WAITING_MAX) return;
    if (to === undefined) socket.send(payload, () => {});
    else socket.send(payload, to.port, to.host, () => {});
  };
}

export function networkWay(network: Network): Way {
  const open = (port: number, onDatagram: OnDatagram): Promise<Datagrams> =>
    new Promise((resolve, reject) => {
      const socket = network.createSocket({}, (message, from) =>
        onDatagram(message, { host: from.address, port: from.port }),
      );
      const failed = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once("error", failed);
      socket.bind(port, () => {
        socket.off("error", failed);
        resolve({ send: sending(socket), close: () => void socket.close() });
      });
    });
  return {
    connect: ({ host, port }) => network.connect({ host, port, allowHalfOpen: true, noDelay: true }),
    datagrams: (onDatagram) => open(0, onDatagram),
    correspond: ({ host, port }, onAnswer) =>
      new Promise((resolve, reject) => {
        const socket = network.createSocket({}, (message) => onAnswer(message));
        socket.connect(port, host, (error?: Error) => {
          if (error === undefined) return resolve({ send: sending(socket), close: () => void socket.close() });
          socket.close();
          reject(error);
        });
      }),
    bind: open,
    listen: (port, onConnection) =>
      new Promise((resolve, reject) => {
        const server = network.createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
        server.once("error", reject);
        server.listen(port);
        server.once("listening", () => {
          server.off("error", reject);
          resolve({ close: () => void server.close() });
        });
      }),
  };
}
