/**
 * A program: sends one datagram and prints every answer as a line of hex.
 * Usage: node udp-send.ts ADDRESS PORT HEX MILLISECONDS-TO-LISTEN
 */
import { createSocket } from "node:dgram";

const [address, port, hex, listenMs] = process.argv.slice(2);
const socket = createSocket(address!.includes(":") ? "udp6" : "udp4");
socket.on("message", (answer) => console.log(answer.toString("hex")));
socket.send(Buffer.from(hex!, "hex"), Number(port), address);
setTimeout(() => socket.close(), Number(listenMs));
