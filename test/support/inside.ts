/** The far end of a tunnel in this process, and web servers there. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { onTestFinished } from "vitest";
import { Network } from "../../host/network/index.ts";

/** An end of a tunnel in this process, for what an example meets inside. */
export async function networkOf(file: string): Promise<Network> {
  const network = await Network.fromConfig(file);
  onTestFinished(() => network.close());
  return network;
}

export async function serveInside(network: Network, answer: RequestListener): Promise<void> {
  const web = createServer(answer);
  const server = network.createServer({ allowHalfOpen: true }, (socket) => void web.emit("connection", socket));
  server.listen(80);
  await once(server, "listening");
}
