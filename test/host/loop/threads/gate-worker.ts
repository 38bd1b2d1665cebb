// A worker of gate.test.ts: compares two words that thread 0 always changes together.
import { workerData } from "node:worker_threads";
import { STOP } from "../../../../host/loop/threads/control.ts";
import { Turnstile } from "../../../../host/loop/threads/gate.ts";

const { control, worker, shared } = workerData as { control: SharedArrayBuffer; worker: number; shared: Int32Array };
const words = new Int32Array(control);
const turnstile = new Turnstile(control, worker, () => {});
while (Atomics.load(words, STOP) === 0) {
  turnstile.enter();
  for (let i = 0; i < 20 && !turnstile.wanted; i++) {
    if (shared[0] !== shared[1]) Atomics.add(shared, 3, 1);
  }
  Atomics.add(shared, 2, 1);
  turnstile.leave();
}
