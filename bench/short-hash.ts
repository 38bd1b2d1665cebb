/**
 * `npm run bench:short-hash`: where the time of a short BLAKE2s through the ordinary call goes. Beside the call its parts are timed alone, in turns:
 * what they add up to is what another way of calling would still have to pay.
 */
import { main } from "../host/crypto/blake2s-module.ts";
import { blake2s } from "../host/crypto/index.ts";
import { positive, readCommandLine } from "./command-line.ts";

const USAGE = `npm run bench:short-hash [-- options]
  --rounds N   over all parts, one behind the other (400)`;
const ROUNDS = positive(USAGE, "rounds", readCommandLine(USAGE, { rounds: { type: "string", default: "400" } }).rounds);
const WARM_UP_ROUNDS = 40;
const CALLS = 4000;
const NS_PER_MS = 1e6;
const MESSAGE_BYTES = 64;
const HASH_BYTES = 32;

const { exports, staging, bytes } = main;
const message = crypto.getRandomValues(new Uint8Array(MESSAGE_BYTES));
const block = new Uint8Array(bytes.buffer, staging + HASH_BYTES, MESSAGE_BYTES);
const digest = new Uint8Array(bytes.buffer, staging, HASH_BYTES);
const words = new Float64Array(bytes.buffer, staging, HASH_BYTES / Float64Array.BYTES_PER_ELEMENT);
/** Where results go, so that no engine finds them useless. */
let kept: Uint8Array | undefined;

const PARTS: Record<string, () => void> = {
  "the ordinary call": () => {
    kept = blake2s(message);
  },
  "its WebAssembly export": () => exports.blake2sBlock(staging, MESSAGE_BYTES),
  "the message copied in": () => block.set(message),
  "an array for the digest": () => {
    kept = new Uint8Array(digest);
  },
  "the digest wiped": () => {
    words[0] = words[1] = words[2] = words[3] = 0;
  },
};

/** A loop of its own for each part, into which engines inline it. @returns ns a call */
function timer(part: () => void): () => number {
  return new Function(
    "part",
    `return () => {
      const start = performance.now();
      for (let i = 0; i < ${CALLS}; i++) part();
      return (performance.now() - start) * ${NS_PER_MS / CALLS};
    };`,
  )(part);
}

const rows = Object.entries(PARTS).map(([name, part]) => ({ name, time: timer(part), times: [] as number[] }));
for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
  for (const { time, times } of rows) {
    const ns = time();
    if (round >= 0) times.push(ns);
  }
}
if (kept?.length !== HASH_BYTES) throw new Error("nothing was hashed");
console.log(`BLAKE2s of ${MESSAGE_BYTES} bytes, ns: median, and the best tenth`);
for (const { name, times } of rows) {
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(1).padStart(8);
  console.log(`${name.padEnd(24)}${at(0.5)}${at(0.1)}`);
}
