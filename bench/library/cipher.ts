/**
 * `cipher.ts JSON`: what sealing and opening a packet takes in this runtime, and nothing else: many at once, in linear memory, with one
 * key. No tunnel takes less. Prints microseconds a packet, each the median of many batches.
 */
import { pathToFileURL } from "node:url";
import { type CipherOptions, type CipherResult, PACKET_BYTES } from "./options.ts";

/** About a train. */
const PACKETS = 64;
/** Of a packet and its tag, and a multiple of 64. */
const PLACE_BYTES = 1472;
const WARM_UP_BATCHES = 3000;
const BATCHES = 2000;

const { root } = JSON.parse(process.argv[2]!) as CipherOptions;
const entry = pathToFileURL(`${root}/dist/host/crypto/index.js`).href;
const { AeadBatch, AeadKey } = (await import(entry)) as typeof import("../../host/crypto/index.ts");

const key = AeadKey.generate();
const batch = new AeadBatch(PACKETS, PACKETS * PLACE_BYTES);
const times = { seal: [] as number[], open: [] as number[] };

/** @returns microseconds a packet */
function timed(work: () => void): number {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1000) / PACKETS;
}

for (let i = -WARM_UP_BATCHES; i < BATCHES; i++) {
  for (let packet = 0; packet < PACKETS; packet++) {
    batch.offsets[packet] = packet * PLACE_BYTES;
    batch.lengths[packet] = PACKET_BYTES;
    batch.counters[packet] = BigInt((i + WARM_UP_BATCHES) * PACKETS + packet);
  }
  const seal = timed(() => batch.seal(key, PACKETS));
  const open = timed(() => batch.open(key, PACKETS));
  if (batch.outcomes.includes(0)) throw new Error("what was sealed does not open");
  if (i < 0) continue;
  times.seal.push(seal);
  times.open.push(open);
}

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const result: CipherResult = { seal: median(times.seal), open: median(times.open) };
console.log(JSON.stringify(result));
process.exit(0);
