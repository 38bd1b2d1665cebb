// A thread that helps with the packets of a test's node: well, late, slowly, or not at all. What is slow is the kernel of eight blocks
// (host/core/wide-kernel.ts): so it comes to a halt in the middle of a message.
import { parentPort, workerData } from "node:worker_threads";
import type { Core } from "../../../../host/core/core.ts";
import { attachCore } from "../../../../host/core/load.ts";
import { wideKernelBytes } from "../../../../host/core/wide-kernel.ts";
import { HELPED, type HelperSetup, LATE_MS, LOOKING, PAUSED, SLOW_MS, STALLED, STOP } from "./helper.ts";

const setup = workerData as HelperSetup;
const { module, memory, manner, shared } = setup;
const words = new Int32Array(shared);
const core = await attachCore(module, memory, setup);
core.exports.share();

const I32 = 0x7f;
/** Makes a function of the table's kind from one of JavaScript's: what it imports it exports. */
const RELAY = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 11, 1, 0x60, 7, I32, I32, I32, I32, I32, I32, I32, 0], // type: seven numbers in, nothing out
  ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0], // import function "e" "f"
  ...[7, 5, 1, 1, 0x66, 0, 0], // export it as "f"
);

type Kernel = (...numbers: number[]) => void;

/** Have the core call `before` before each call of its kernel, once that is checked. */
async function haltIn({ exports }: Core, before: () => void): Promise<void> {
  const wide = await WebAssembly.instantiate(await WebAssembly.compile(await wideKernelBytes()), { env: { memory } });
  const kernel = wide.exports as { setScratch(at: number): void; eightBlocks: Kernel };
  kernel.setScratch(exports.scratch.value);
  let checked = false;
  const f: Kernel = (...numbers) => {
    if (checked) before();
    kernel.eightBlocks(...numbers);
  };
  const relay = await WebAssembly.instantiate(await WebAssembly.compile(RELAY), { e: { f } });
  checked = Boolean(exports.useWideKernel(exports.table.grow(1, relay.exports.f)));
  if (!checked) throw new Error("the kernel did not pass its check");
}

const pause = (milliseconds: number) => Atomics.wait(words, STOP, 0, milliseconds);
const stopped = () => Atomics.load(words, STOP) === 1;

if (manner === "slowly") {
  let calls = 0;
  // Several calls a message: the block is not done for some milliseconds.
  await haltIn(core, () => void (++calls % 5 === 0 && pause(SLOW_MS)));
}
if (manner === "stalls") {
  await haltIn(core, () => {
    Atomics.add(words, STALLED, 1);
    while (!stopped()) pause(1_000);
    throw new Error("dead in the middle of a message");
  });
}

function look(): void {
  core.exports.startLooking();
  Atomics.store(words, LOOKING, 1);
  Atomics.notify(words, LOOKING);
}

function rest(): void {
  Atomics.store(words, LOOKING, 0);
  core.exports.stopLooking();
}

look();
parentPort!.postMessage("looks");
try {
  while (!stopped()) {
    if (Atomics.load(words, PAUSED) === 1) {
      rest();
      Atomics.wait(words, PAUSED, 1, 1_000);
      look();
    }
    if (manner === "late") pause(LATE_MS);
    if (manner === "dead") pause(10);
    else Atomics.add(words, HELPED, core.exports.help(1_000));
  }
} catch (error) {
  if (manner !== "stalls") throw error;
}
rest();
parentPort!.postMessage("done");
