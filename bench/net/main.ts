/**
 * `npm run bench:net [-- --seconds N] [--json]`: the network stack in this process. Speeds are of one thread that does both ends' work, over
 * the clock and over the CPU time that it got; the link is emulated on a virtual clock.
 */
import { parseArgs } from "node:util";
import { halfOpenBytes, idleConnectionBytes } from "./idle.ts";
import { joined } from "./joined.ts";
import { overLink, ROWS } from "./link.ts";
import { tunnelled } from "./tunnelled.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, json: { type: "boolean", default: false } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error("--seconds takes a number above 0");

const SEEDS = [1, 2, 3];
const LINK_SECONDS = 30;
const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;

const results = {
  joined: joined(seconds),
  tunnelled: await tunnelled(seconds),
  megabitsPerSecondOverLink: Object.fromEntries(
    ROWS.map(([name, conditions]) => [name, median(SEEDS.map((seed) => overLink(conditions, LINK_SECONDS, seed)))]),
  ),
  idleConnectionBytes: idleConnectionBytes(10_000),
  halfOpenBytes: halfOpenBytes(10_000),
};

if (values.json) {
  console.log(JSON.stringify(results, undefined, 2));
} else {
  const row = (name: string, value: number, unit: string) =>
    console.log(`${name.padEnd(48)} ${value.toFixed(value < 100 ? 2 : 0).padStart(9)} ${unit}`);
  for (const name of ["joined", "tunnelled"] as const) {
    const title = name === "joined" ? "two stacks, no tunnel" : "two stacks, two devices";
    row(title, results[name].gigabitsPerSecond, "Gbit/s");
    row(`${title}: of CPU time`, results[name].gigabitsPerCpuSecond, "Gbit per CPU-second");
  }
  for (const [name, speed] of Object.entries(results.megabitsPerSecondOverLink)) {
    row(`100 Mbit/s, 50 ms: ${name}`, speed, "Mbit/s");
  }
  row("idle connection, one end", results.idleConnectionBytes, "bytes");
  row("half-open connection", results.halfOpenBytes, "bytes");
}
process.exit(0);
