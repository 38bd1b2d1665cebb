// Runs the suite away from the page's own thread, so that the page stays alive while it measures. Starts by itself; the
// number of rounds comes in the worker's name.
import { allCases } from "../crypto/cases.ts";
import { portable } from "../crypto/contestants/portable.ts";
import { build } from "../crypto/contestants/wasmguard.ts";
import { webCrypto } from "../crypto/contestants/web-crypto.ts";
import { measureAll, type Settings } from "../crypto/measure.ts";
import type { WorkerMessage } from "./messages.ts";

const scope = globalThis as unknown as { readonly name: string; postMessage(message: WorkerMessage): void };
const say = (message: WorkerMessage) => scope.postMessage(message);
// Browsers' clocks tick in 5 to 100 µs, so a sample has to be longer than in Node.
const settings: Settings = { rounds: Number(scope.name), samples: 7, sampleMs: 2, warmUpMs: 20 };

try {
  const cases = await measureAll(allCases(), [...portable, ...webCrypto], settings, ({ round, done, latest }) =>
    say({ kind: "progress", round, done, latest: latest() }),
  );
  say({ kind: "done", cases, build });
} catch (error) {
  say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}
