/**
 * One end of a tunnel in a process of its own: `end.ts JSON`, with what it is told in the form of EndOptions. It prints a line of JSON
 * with its key and port, reads one with the other's, says that it is ready, and when the time is up prints what it measured.
 *
 * The sender keeps WINDOW packets on their way, and the receiver tells every so often how many came: as any protocol that is worth the
 * name does it, so that neither end drowns.
 */
import { createInterface } from "node:readline";
import type { Acquaintance, Link } from "./link.ts";
import { type EndOptions, type EndResult, PACKET_BYTES } from "./options.ts";
import { counterAt, packetOf, setCounter } from "./packet.ts";
import { sealedLink } from "./sealed-link.ts";
import { socketLink } from "./socket-link.ts";
import { tunnelLink } from "./tunnel-link.ts";

/** Fewer than what the smallest usual receive buffer (net.core.rmem_max 212,992) holds. */
const WINDOW = 160;
/** Packets that the receiver tells of together. */
const TOLD = 16;
/** The receiver tells so often at least. */
const TICK_MS = 10;
const WARM_UP_MS = 1500;
/** Without news for so long, what is under way is lost. */
const LOST_MS = 250;

const options = JSON.parse(process.argv[2]!) as EndOptions;
const sends = options.role === "sender";
const link = await linkOf(options);
console.log(JSON.stringify(link.own));

const [own, other] = sends ? [1, 2] : [2, 1];
const packet = packetOf(own, other, sends ? PACKET_BYTES : 64);
/** Sent by the sender, told of by the receiver; lost when nothing was told of for a while. */
let sent = 0;
let came = 0;
let lost = 0;
let heardAt = performance.now();

function linkOf(options: EndOptions): Promise<Link> {
  const { contestant } = options;
  if (contestant === "sealed sockets") return sealedLink(options);
  return contestant.endsWith("sockets") ? socketLink(options) : tunnelLink(options, 4 * WINDOW);
}

function fill(): void {
  while (sent - came - lost < WINDOW && link.write(packet)) sent += 1;
  link.flush();
}

function tell(): void {
  setCounter(packet, came);
  link.write(packet);
  link.flush();
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await link.meet(
  JSON.parse((await lines.next()).value!) as Acquaintance,
  sends
    ? (news) => {
        came = Math.max(came, counterAt(news));
        heardAt = performance.now();
        fill();
      }
    : () => {
        came += 1;
        if (came % TOLD === 0) tell();
      },
);
console.log("ready");

const ticking = setInterval(() => {
  if (!sends) return tell();
  if (performance.now() - heardAt < LOST_MS) return;
  lost = sent - came;
  fill();
}, TICK_MS);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
if (sends) fill();
await wait(WARM_UP_MS);
const before = { at: performance.now(), came, lost, cpu: process.cpuUsage() };
await wait(options.seconds * 1000);
const { user, system } = process.cpuUsage(before.cpu);
const result: EndResult = {
  seconds: (performance.now() - before.at) / 1000,
  packets: came - before.came,
  lost: lost - before.lost,
  cpuSeconds: (user + system) / 1e6,
};
console.log(JSON.stringify(result));
// The other end may still be measuring.
await lines.next();
clearInterval(ticking);
await link.close();
process.exit(0);
