/** A server of this machine's loopback, as somebody behind the far end of a tunnel reaches it. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Network } from "../../../host/network/network.ts";
import { relay } from "../../../host/proxy/relay.ts";
import { networks } from "../../support/networks.ts";

/** The server's name inside the tunnel. */
export const HOST = "far.internal";

/** Lets those inside the tunnel reach the port of this machine's loopback, at the network's own address. */
export async function gate(far: Network, port: number): Promise<void> {
  const server = far.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    void relay(socket, connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true }));
  });
  server.listen(port);
  await once(server, "listening");
}

/** @returns a network in which `HOST` has that port, too */
export async function reach(port: number): Promise<Network> {
  const { near, far } = await networks();
  await gate(far, port);
  return near;
}
