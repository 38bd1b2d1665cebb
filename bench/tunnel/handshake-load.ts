/**
 * A program: sends handshake initiations, a line of hex each, to a port of 127.0.0.1 and counts the answers.
 * Usage: node handshake-load.ts FILE PORT WINDOW; one line of JSON (LoadReport) comes out.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";

export interface LoadReport {
  readonly answered: number;
  readonly unanswered: number;
  readonly cookies: number;
  /** From the first initiation to the last answer. */
  readonly seconds: number;
  /** Hex; of the initiation in the first line. */
  readonly firstAnswer: string;
}

const RESPONSE = { type: 2, bytes: 92, receiverIndex: 8 } as const;
const COOKIE_TYPE = 3;
/** Nothing came for so long: what is unanswered stays so. */
const SILENCE_MS = 1000;

const [file, port, window] = process.argv.slice(2);
const messages = readFileSync(file!, "latin1")
  .split("\n")
  .map((line) => Buffer.from(line, "hex"));
const answered = new Set<number>();
let [sent, cookies, firstAnswer] = [0, 0, ""];
let lastAt = 0;

const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
socket.connect(Number(port), "127.0.0.1", () => {
  const start = performance.now();
  const refill = () => {
    while (sent < messages.length && sent - answered.size - cookies < Number(window)) socket.send(messages[sent++]!);
  };
  const finish = () => {
    clearTimeout(silence);
    const unanswered = sent - answered.size - cookies;
    const seconds = (lastAt - start) / 1000;
    const report: LoadReport = { answered: answered.size, unanswered, cookies, seconds, firstAnswer };
    socket.close();
    console.log(JSON.stringify(report));
  };
  const silence = setTimeout(finish, SILENCE_MS);
  socket.on("message", (message) => {
    lastAt = performance.now();
    silence.refresh();
    const type = message.readUInt32LE(0);
    if (type === COOKIE_TYPE) cookies++;
    if (type === RESPONSE.type && message.length === RESPONSE.bytes) {
      const index = message.readUInt32LE(RESPONSE.receiverIndex);
      if (index < messages.length) answered.add(index);
      if (index === 0) firstAnswer = message.toString("hex");
    }
    if (answered.size + cookies === messages.length) return finish();
    refill();
  });
  refill();
});
