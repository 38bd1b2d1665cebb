// A relay for devices in a browser: each WebSocket gets a UDP socket of its own. It sees only what anyone on the way sees.
// node relay.mjs PORT [ADDRESS:PORT...]   listens on 127.0.0.1; put a web server with TLS in front of it
// Datagrams go to the addresses given, and to other clients of this relay: an open relay would send anything anywhere.
// Frames, either way: a byte 4 (for IPv4), 4 bytes of address, 2 of port, the datagram.
import { createSocket } from "node:dgram";
import { WebSocketServer } from "ws";

const [port = "8080", ...peers] = process.argv.slice(2);
const allowed = new Set(peers);
const BUFFERED_BYTES_MAX = 1 << 20;

const bytesOf = (address) => Buffer.from(address.split(".").map(Number));

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), maxPayload: 65_600 });
server.on("listening", () => console.log(`relay on ws://127.0.0.1:${server.address().port}`));
server.on("connection", (client) => {
  const socket = createSocket("udp4");
  let own = "";
  socket.bind(0, "127.0.0.1", () => {
    own = `127.0.0.1:${socket.address().port}`;
    allowed.add(own);
    client.send(String(socket.address().port));
  });
  socket.on("message", (datagram, { address, port: from }) => {
    if (client.bufferedAmount > BUFFERED_BYTES_MAX) return;
    client.send(Buffer.concat([Uint8Array.of(4), bytesOf(address), Uint8Array.of(from >> 8, from & 255), datagram]));
  });
  client.on("message", (frame, isBinary) => {
    if (!isBinary || frame[0] !== 4 || frame.length < 8) return;
    const address = frame.subarray(1, 5).join(".");
    const to = frame.readUInt16BE(5);
    if (allowed.has(`${address}:${to}`)) socket.send(frame.subarray(7), to, address, () => {});
  });
  client.on("close", () => {
    allowed.delete(own);
    socket.close();
  });
  client.on("error", () => {});
});
