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

/**
 * Run by root. Arguments: an address inside, a port there that says datagrams back. One user asks for an association, and before he sends
 * anything another one does, to the same port from the same address. Tells what each has heard.
 */
export const ASSOCIATE_BY_TWO_USERS = `${SOCKS5}
import { createSocket } from "node:dgram";
import { once } from "node:events";
async function as(uid, make) {
  process.seteuid(uid);
  try { return await make(); } finally { process.seteuid(0); }
}
const bound = async () => {
  const udp = createSocket("udp4");
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  return udp;
};
const { socket, port: relay } = await as(65534, () => socks(3, "0.0.0.0", 0));
const heard = { client: [], stranger: [] };
const users = { client: await as(65534, bound), stranger: await as(65533, bound) };
const [host, hostPort] = [rest[0].split(".").map(Number), Number(rest[1])];
const header = Buffer.from([0, 0, 0, 1, ...host, hostPort >> 8, hostPort & 255]);
for (const [name, udp] of Object.entries(users)) udp.on("message", (message) => heard[name].push(message.subarray(10).toString()));
users.stranger.send(Buffer.concat([header, Buffer.from("stranger")]), relay, "127.0.0.1");
await new Promise((resolve) => setTimeout(resolve, 200));
users.client.send(Buffer.concat([header, Buffer.from("client")]), relay, "127.0.0.1");
await once(users.client, "message");
users.stranger.send(Buffer.concat([header, Buffer.from("stranger")]), relay, "127.0.0.1");
users.client.send(Buffer.concat([header, Buffer.from("again")]), relay, "127.0.0.1");
await once(users.client, "message");
console.log(JSON.stringify(heard));
for (const udp of Object.values(users)) udp.close();
socket.destroy();
`;

/** Arguments: the server's name, which a TLS proxy passes on. Says "hello", ends its side, and tells what comes back. */
export const TLS_HALF_CLOSE = `
import { connect } from "node:tls";
const [port, servername] = process.argv.slice(1);
const socket = connect({ port: Number(port), host: "127.0.0.1", servername, rejectUnauthorized: false, allowHalfOpen: true });
let text = "";
socket.on("data", (chunk) => { text += chunk; });
socket.once("secureConnect", () => socket.end("hello"));
await new Promise((resolve, reject) => socket.once("end", resolve).once("error", reject));
console.log(text);
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
