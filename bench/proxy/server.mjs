// What is behind the tunnel: an endless download at /endless, a kilobyte for any other request; and with "echo" a server that says everything
// back. Arguments: web or echo, address, port.
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";

const [kind, address, port] = process.argv.slice(2);
const page = Buffer.alloc(1024, "x");
const block = Buffer.alloc(256 << 10);

const web = createServer((request, response) => {
  if (request.url !== "/endless") return void response.end(page);
  const more = () => {
    while (response.write(block));
  };
  response.on("drain", more).on("error", () => {});
  more();
});
const echo = createTcpServer({ noDelay: true }, (socket) => socket.on("error", () => {}).pipe(socket));
(kind === "web" ? web : echo).listen(Number(port), address);
