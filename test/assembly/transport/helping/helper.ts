// Threads that help a node of a test with its packets, on the node's memory: real ones, for only those meet.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Core } from "../../../../host/core/core.ts";
import { type Attachment, sharedCoreModule } from "../../../../host/core/load.ts";
import type { TestNode } from "../../../support/node.ts";

/** Words that test and thread share. */
export const STOP = 0;
export const HELPED = 1; // messages
export const STALLED = 2; // messages that were begun and not finished
export const PAUSED = 3; // 1: leave the core to others
export const LOOKING = 4; // 1 while it looks
/** What a thread waits that comes late, or works slowly. */
export const LATE_MS = 0.05;
export const SLOW_MS = 2;

/** "well": as a daemon's thread. "dead": it looks as if it helped. "stalls": it begins with a message and does not go on. */
export type Manner = "well" | "late" | "slowly" | "dead" | "stalls";

export interface HelperSetup extends Attachment {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly manner: Manner;
  readonly shared: SharedArrayBuffer;
}

export class Helper {
  readonly thread: number;
  readonly #worker: Worker;
  readonly #words: Int32Array;

  private constructor(worker: Worker, thread: number, shared: SharedArrayBuffer) {
    this.thread = thread;
    this.#worker = worker;
    this.#words = new Int32Array(shared);
  }

  /** It looks when this resolves. @param thread its number; 1 and up */
  static async start(node: TestNode, manner: Manner, thread = 1): Promise<Helper> {
    const { core } = node.engine;
    core.exports.share();
    const { memory, maxPeers, maxRoutes } = core;
    const memoryEnd = core.exports.memoryEnd.value >>> 0;
    const shared = new SharedArrayBuffer(64);
    const module = await sharedCoreModule();
    const setup: HelperSetup = { module, memory, maxPeers, maxRoutes, thread, memoryEnd, manner, shared };
    const worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: setup });
    const helper = new Helper(worker, thread, shared);
    await once(worker, "message");
    worker.unref();
    return helper;
  }

  /** Not to look until `resume`: then it takes no core from what runs meanwhile. */
  pause(): void {
    Atomics.store(this.#words, PAUSED, 1);
  }

  /** It looks when this returns, on a machine that has a core for it. */
  resume(): void {
    Atomics.store(this.#words, PAUSED, 0);
    Atomics.notify(this.#words, PAUSED);
    Atomics.wait(this.#words, LOOKING, 0, 5);
  }

  get helped(): number {
    return Atomics.load(this.#words, HELPED);
  }

  get stalled(): number {
    return Atomics.load(this.#words, STALLED);
  }

  /** It is done with everything when this resolves. */
  async stop(): Promise<void> {
    const done = once(this.#worker, "message");
    Atomics.store(this.#words, STOP, 1);
    for (const word of [STOP, PAUSED]) Atomics.notify(this.#words, word);
    await done;
    await this.#worker.terminate();
  }
}

const SCRATCH_BYTES = 65_536;
/** Behind it is what packet work needs, nothing secret (assembly/memory/scratch.ts). */
const SECRET_BYTES = 40_960;

/** The scratch memory of a thread that may hold secrets. */
export function secretScratch(core: Core, thread: number): Uint8Array {
  const start = core.at.scratches + SCRATCH_BYTES * thread;
  return core.bytes.subarray(start, start + SECRET_BYTES);
}
