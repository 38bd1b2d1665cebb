// Pausing: while thread 0 holds the gate no worker is inside, and afterwards each of them has noticed.
import { Worker } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { EPOCH, GONE, IDLE, line, makeControl, STATE, STOP, WORKING } from "../../../../host/loop/threads/control.ts";
import { Gate, Turnstile } from "../../../../host/loop/threads/gate.ts";

test("a worker refreshes when it first enters and after each hold, and at no other time", () => {
  const control = makeControl(1);
  const gate = new Gate(control, 1);
  let refreshed = 0;
  const turnstile = new Turnstile(control, 0, () => refreshed++);
  const pass = () => {
    turnstile.enter();
    turnstile.leave();
  };
  pass();
  pass();
  expect(refreshed).toBe(1);
  gate.hold();
  gate.hold(); // once more changes nothing
  expect(turnstile.wanted).toBe(true);
  gate.release();
  gate.release();
  expect(turnstile.wanted).toBe(true);
  pass();
  pass();
  expect(refreshed).toBe(2);
  expect(turnstile.wanted).toBe(false);
});

test("hold waits for nobody who is idle or gone", () => {
  const control = makeControl(2);
  const words = new Int32Array(control);
  const gate = new Gate(control, 2);
  new Turnstile(control, 1, () => {}).gone();
  expect([words[line(0) + STATE], words[line(1) + STATE]]).toEqual([IDLE, GONE]);
  gate.hold();
  expect(words[EPOCH]! & 1).toBe(1);
  gate.release();
});

test("a worker that never leaves is reported instead of waited for", { timeout: 30_000 }, () => {
  const control = makeControl(1);
  new Turnstile(control, 0, () => {}).enter();
  expect(new Int32Array(control)[line(0) + STATE]).toBe(WORKING);
  expect(() => new Gate(control, 1).hold()).toThrow("thread 1 does not pause");
});

test("time in which the whole process was stopped does not count", () => {
  const control = makeControl(1);
  const words = new Int32Array(control);
  new Turnstile(control, 0, () => {}).enter();
  // Ten looks a minute apart; at the last one the worker is done.
  let looks = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    if (++looks === 10) Atomics.store(words, line(0) + STATE, IDLE);
    return looks * 60_000;
  });
  try {
    new Gate(control, 1).hold();
  } finally {
    clock.mockRestore();
  }
  expect(looks).toBe(10);
});

test("once the workers have ended nobody is waited for", () => {
  const control = makeControl(1);
  new Turnstile(control, 0, () => {}).enter();
  const gate = new Gate(control, 1);
  gate.end();
  gate.hold();
  expect(new Int32Array(control)[EPOCH]! & 1).toBe(0);
});

test("three workers never see a change half made", { timeout: 20_000 }, async () => {
  const workers = 3;
  const control = makeControl(workers);
  const shared = new Int32Array(new SharedArrayBuffer(64));
  const threads = Array.from(
    { length: workers },
    (_, worker) =>
      new Worker(new URL("./gate-worker.ts", import.meta.url), { workerData: { control, worker, shared } }),
  );
  const [seen, torn] = [2, 3];
  const gate = new Gate(control, workers);
  try {
    for (let change = 1; change <= 2000 || Atomics.load(shared, seen) < 1000; change++) {
      gate.hold();
      shared[0] = change;
      for (let i = 0; i < 20; i++) Atomics.load(shared, 0); // time for others to look
      shared[1] = change;
      gate.release();
      if (change % 50 === 0) await new Promise(setImmediate);
    }
  } finally {
    Atomics.store(new Int32Array(control), STOP, 1);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  expect(shared[torn]).toBe(0);
  expect(shared[seen]).toBeGreaterThanOrEqual(1000);
});
