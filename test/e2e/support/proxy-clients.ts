/** Clients of a proxy as programs of Node, for a namespace of their own: each takes the proxy's port as its first argument. */

/** SOCKS5's greeting and a request, byte by byte what RFC 1928 says. */
const SOCKS5 = `
import { connect } from "node:net";
const [port, ...rest] = process.argv.slice(1);
function reader(socket) {
  let have = Buffer.alloc(0), wake = () => {};
  socket.on("data", (chunk) => { have = Buffer.concat([have, chunk]); wake(); });
  socket.on("end", () => wake()).on("error", () => wake());
  const exactly = async (count) => {
    while (have.length < count) {
      if (socket.readableEnded || socket.destroyed) throw new Error("ended after " + have.length);
      await new Promise((resolve) => { wake = resolve; });
    }
    const bytes = have.subarray(0, count);
    have = have.subarray(count);
    return bytes;
  };
  return { exactly, left: () => have };
}
async function socks(command, name, targetPort) {
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  const { exactly, left } = reader(socket);
  socket.write(Buffer.from([5, 1, 0]));
  if ((await exactly(2))[1] !== 0) throw new Error("refused");
  const host = Buffer.from(name);
  socket.write(Buffer.concat([Buffer.from([5, command, 0, 3, host.length]), host, Buffer.from([targetPort >> 8, targetPort & 255])]));
  const answer = await exactly(10);
  if (answer[1] !== 0) throw new Error("answered " + answer[1]);
  return { socket, left, port: answer.readUInt16BE(8) };
}
const untilEnd = (socket) => new Promise((resolve, reject) => socket.once("end", resolve).once("error", reject));
`;

/** Arguments: how many requests, how many at a time, host, port. Each over a connection of its own. Tells how many were answered. */
export const REQUESTS = `${SOCKS5}
const [count, atOnce, host, hostPort] = [Number(rest[0]), Number(rest[1]), rest[2], Number(rest[3])];
let [begun, answered] = [0, 0];
async function worker() {
  while (begun < count) {
    const path = "/" + begun++;
    const { socket, left } = await socks(1, host, hostPort);
    socket.write("GET " + path + " HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n");
    await untilEnd(socket);
    if (left().toString("latin1").includes("GET " + path + " ")) answered += 1;
    socket.end();
  }
}
await Promise.all(Array.from({ length: atOnce }, worker));
console.log(answered);
`;

/** Arguments: host, port. Says "hello", ends its side, and tells what comes back. */
export const SOCKS5_HALF_CLOSE = `${SOCKS5}
const { socket, left } = await socks(1, rest[0], Number(rest[1]));
socket.end("hello");
await untilEnd(socket);
console.log(left().toString());
`;

/** Arguments: host, port. The same through CONNECT of an HTTP proxy. */
export const CONNECT_HALF_CLOSE = `${SOCKS5}
const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
const { left } = reader(socket);
const target = rest[0] + ":" + rest[1];
socket.write("CONNECT " + target + " HTTP/1.1\\r\\nHost: " + target + "\\r\\n\\r\\n");
socket.end("hello");
await untilEnd(socket);
console.log(left().toString().split("\\r\\n\\r\\n")[1]);
`;

/** Arguments: a name server's address, a name. Asks for its A record through UDP ASSOCIATE, and tells the address. */
export const ASSOCIATE_QUERY = `${SOCKS5}
import { createSocket } from "node:dgram";
const { socket, port: relay } = await socks(3, "0.0.0.0", 0);
const [server, name] = rest;
const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
const query = Buffer.concat([Buffer.from("123401000001000000000000", "hex"), ...labels, Buffer.from("0000010001", "hex")]);
const header = Buffer.from([0, 0, 0, 1, ...server.split(".").map(Number), 0, 53]);
const udp = createSocket("udp4");
udp.on("message", (message) => {
  const answer = message.subarray(10);
  if (answer.readUInt16BE(0) !== 0x1234 || answer.readUInt16BE(6) === 0) throw new Error("no answer: " + answer.toString("hex"));
  console.log(Array.from(answer.subarray(query.length + 12, query.length + 16)).join("."));
  udp.close();
  socket.destroy();
});
udp.send(Buffer.concat([header, query]), relay, "127.0.0.1");
`;
