/** `node many-clients.ts HOST PORT COUNT`: so many connections at once, each with a text of its own, told how many got theirs back. */
import { connect } from "node:net";

const [host, port, count] = process.argv.slice(2);
let open = Number(count);
let right = 0;

for (let i = 0; i < Number(count); i++) {
  const text = `connection ${i} `.repeat(100);
  let received = "";
  const socket = connect({ host, port: Number(port), allowHalfOpen: true }, () => socket.end(text));
  socket.setEncoding("latin1");
  socket.on("data", (part) => {
    received += part;
  });
  socket.on("error", (error) => console.error(error.message));
  socket.on("close", () => {
    if (received === text) right += 1;
    open -= 1;
    if (open === 0) console.log(right);
  });
}
