/**
 * A program for a namespace: kernel TCP as user of the emulated links. Addresses come as arguments, one for each link.
 *
 *   ends.ts receive ADDRESS…         accepts on each and reads; a line on standard input has it print how many bytes came to each
 *   ends.ts send FROM=TO…            on a line, connects each and sends as much as is taken
 */
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { PORT } from "./addresses.ts";

const [role, ...addresses] = process.argv.slice(2);
const piece = Buffer.alloc(64 << 10);
const lines = createInterface({ input: process.stdin });

function send(from: string, to: string): void {
  const socket = connect({ host: to, port: PORT, localAddress: from });
  const feed = () => {
    while (socket.write(piece));
  };
  socket.on("connect", feed).on("drain", feed);
  socket.on("error", (error) => console.error(`${from}: ${error.message}`));
}

if (role === "receive") {
  const totals = addresses.map(() => ({ kernel: 0, stack: 0 }));
  const listening = addresses.map((address, index) => {
    const server = createServer((socket) => {
      const sender = socket.remoteAddress?.startsWith("10.50.") ? "kernel" : "stack";
      socket.on("data", (bytes) => {
        totals[index]![sender] += bytes.length;
      });
      socket.on("error", () => {});
    });
    return new Promise<void>((resolve) => server.listen(PORT, address, resolve));
  });
  await Promise.all(listening);
  console.log("ready");
  lines.on("line", () => console.log(JSON.stringify(totals)));
} else {
  console.log("ready");
  lines.once("line", () => {
    for (const pair of addresses) send(...(pair.split("=") as [string, string]));
  });
}
