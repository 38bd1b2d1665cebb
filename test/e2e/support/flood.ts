/**
 * A program: floods a port with handshake initiations whose mac1 is right and whose rest is noise, which is what a
 * stranger can make who knows the public key. Prints how many it sent.
 * Usage: node flood.ts ADDRESS PORT PUBLIC-KEY-IN-BASE64 PER-SECOND MILLISECONDS
 */
import { randomFillSync } from "node:crypto";
import { createSocket } from "node:dgram";
import { mac1 } from "../../reference/noise.ts";

const INITIATION_BYTES = 148;
const MAC1_AT = 116;
const VARIANTS = 500;
/** Many at once, so that a queue fills up however fast the receiver is. */
const TICK_MS = 50;

const [address, port, publicKey, perSecond, milliseconds] = process.argv.slice(2);
const receiver = Buffer.from(publicKey!, "base64");
const messages = Array.from({ length: VARIANTS }, () => {
  const message = Buffer.alloc(INITIATION_BYTES);
  randomFillSync(message, 4, MAC1_AT - 4);
  message.writeUInt32LE(1, 0);
  message.set(mac1(receiver, message.subarray(0, MAC1_AT)), MAC1_AT);
  return message;
});

const socket = createSocket(address!.includes(":") ? "udp6" : "udp4");
socket.on("message", () => {}); // cookies, to be ignored
socket.bind(0);
socket.connect(Number(port), address!, () => {
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const elapsed = Math.min(performance.now() - started, Number(milliseconds));
    // What a late tick missed is made up for, but not in a burst without end.
    const due = Math.min((elapsed * Number(perSecond)) / 1000 - sent, Number(perSecond) / 10);
    for (let i = 0; i < due; i++) socket.send(messages[sent++ % VARIANTS]!);
    if (elapsed < Number(milliseconds)) return;
    clearInterval(timer);
    console.log(sent);
    socket.close();
  }, TICK_MS);
});
