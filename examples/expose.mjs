// Show a local web server to those inside a tunnel, at port 80 of our address there: node expose.mjs office.conf
import { createServer } from "node:http";
import { Network } from "wasmguard/network";

const network = await Network.fromConfig(process.argv[2]);
const web = createServer((request, response) => response.end(`hello from outside, ${request.socket.remoteAddress}\n`));
network
  .createServer({ allowHalfOpen: true }, (socket) => web.emit("connection", socket))
  .listen(80, () => {
    console.log(`listening inside at ${network.addresses.join(", ")}`);
  });
process.once("SIGTERM", () => network.close());
