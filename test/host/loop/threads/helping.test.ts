// What a thread does while it waits: it calls another when it has too much to do, and helps when it is called.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Courtesy } from "../../../../host/loop/courtesy.ts";
import { CALLABLE, line, makeControl } from "../../../../host/loop/threads/control.ts";
import { Helping } from "../../../../host/loop/threads/helping.ts";

let now = 0;
beforeEach(() => {
  now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A thread that waits: what it finds, and what it does. */
class Waiter {
  readonly helping: Helping;
  /** Bytes of its last batch that others might have helped with. */
  unshared = 0;
  /** What a look for work of others finds, in messages. */
  readonly work: number[] = [];
  /** What a sleep, or a look at its own packets, finds; nothing at the end. */
  readonly ready: (number | (() => number))[] = [];
  readonly called: number[] = [];
  slept: number[] = [];
  looks = 0;
  looking = 0;
  lookingAsleep = 0;
  yieldMs = 0;

  constructor(control: SharedArrayBuffer, thread: number, threads: number) {
    this.helping = new Helping({
      exports: {
        help: () => {
          this.looks++;
          now += 0.01;
          return this.work.shift() ?? 0;
        },
        startLooking: () => this.looking++,
        stopLooking: () => this.looking--,
        takeUnshared: () => {
          const bytes = this.unshared;
          this.unshared = 0;
          return bytes;
        },
      },
      control,
      thread,
      threads,
      wait: (timeoutMs) => {
        if (timeoutMs > 0) {
          this.slept.push(timeoutMs);
          this.lookingAsleep += this.looking;
        }
        const next = this.ready.shift() ?? 0;
        return typeof next === "number" ? next : next();
      },
      wake: (other) => this.called.push(other),
      courtesy: new Courtesy(() => {
        now += this.yieldMs;
      }),
    });
  }

  /** A batch is done that others might have helped with; the next one comes after a while. */
  batch(gapMs: number): void {
    this.unshared = 65_536;
    this.ready.push(() => {
      now += gapMs;
      return 1;
    });
    expect(this.helping.wait(500)).toBe(1);
  }
}

function words(control: SharedArrayBuffer): Int32Array {
  return new Int32Array(control);
}

const callable = (thread: number) => line(thread - 1) + CALLABLE;

test("it calls one that sleeps, once batch after batch was there already, and each only once", () => {
  const control = makeControl(3);
  const owner = new Waiter(control, 1, 4);
  for (const thread of [0, 3]) words(control)[callable(thread)] = 1;
  for (let i = 0; i < 3; i++) owner.batch(0.005);
  expect(owner.called).toEqual([]);
  owner.batch(0.005);
  expect(owner.called).toEqual([3]);
  for (let i = 0; i < 40; i++) owner.batch(0.005);
  expect(owner.called).toEqual([3, 0]);
});

test("it calls nobody where it waits for what it gets", () => {
  const control = makeControl(1);
  const owner = new Waiter(control, 0, 2);
  words(control)[callable(1)] = 1;
  for (let i = 0; i < 40; i++) owner.batch(i % 3 === 2 ? 0.1 : 0.005);
  expect(owner.called).toEqual([]);
  // Nor where it left packets alone before it waited.
  for (let i = 0; i < 40; i++) {
    owner.unshared = 65_536;
    owner.helping.batchDone();
    now += 0.1;
    owner.ready.push(1);
    owner.helping.wait(500);
  }
  expect(owner.called).toEqual([]);
  // Nor where there is nothing that another thread could do.
  for (let i = 0; i < 40; i++) {
    owner.ready.push(1);
    owner.helping.wait(500);
  }
  expect(owner.called).toEqual([]);
});

test("who is called looks for a millisecond, longer if there is work, and then sleeps again", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 1, 2);
  const call = () => {
    expect(Atomics.exchange(words(control), callable(1), 0)).toBe(1);
    return 1;
  };
  waiter.ready.push(call);
  expect(waiter.helping.wait(500)).toBe(1);
  expect(waiter.looks).toBe(0);
  waiter.work.push(...Array.from({ length: 50 }, () => 8));
  const before = now;
  expect(waiter.helping.wait(500)).toBe(0);
  expect(now - before).toBeGreaterThan(1.49);
  expect(now - before).toBeLessThan(1.6);
  // With what is left until others must get their turn: to return at once would be taken for a signal.
  expect(waiter.slept).toEqual([500, 100 - (now - before)]);
  expect(waiter.lookingAsleep).toBe(0);
  expect(waiter.helping.wait(500)).toBe(0);
  expect(waiter.slept).toEqual([500, 100 - (now - before), 500]);
  expect(waiter.looking).toBe(0);
});

test("what comes while it sleeps after looking is told, and a short timeout is no longer for that", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 0, 2);
  waiter.ready.push(() => Atomics.exchange(words(control), callable(0), 0));
  waiter.helping.wait(500);
  const onceAsleep = () => {
    if (waiter.slept.length > 1) return 3;
    waiter.ready.push(onceAsleep);
    return 0;
  };
  waiter.ready.push(onceAsleep);
  expect(waiter.helping.wait(20)).toBe(3);
  expect(waiter.slept[1]).toBeCloseTo(19, 1);
  expect(words(control)[callable(0)]).toBe(0);
});

test("packets of its own come first", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 0, 2);
  waiter.ready.push(() => Atomics.exchange(words(control), callable(0), 0), 0, 0, 2);
  waiter.helping.wait(500);
  waiter.work.push(...Array.from({ length: 50 }, () => 8));
  expect(waiter.helping.wait(500)).toBe(2);
  expect(waiter.looks).toBe(3);
  expect(waiter.looking).toBe(0);
});

test("a timeout ends the looking, and so does a turn of the runtime's event loop", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 0, 2);
  waiter.ready.push(() => Atomics.exchange(words(control), callable(0), 0));
  waiter.helping.wait(500);
  waiter.work.push(...Array.from({ length: 20_000 }, () => 8));
  let before = now;
  expect(waiter.helping.wait(0.5)).toBe(0);
  expect(now - before).toBeCloseTo(0.5, 1);
  before = now;
  expect(waiter.helping.wait(5_000)).toBe(0);
  expect(now - before).toBeCloseTo(100, 0);
});

test("where somebody else needs the core it does not help for a while, nor says that it would", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 1, 2);
  waiter.ready.push(() => Atomics.exchange(words(control), callable(1), 0));
  waiter.helping.wait(500);
  waiter.yieldMs = 3;
  waiter.helping.wait(500);
  expect(waiter.looks).toBe(1);
  waiter.ready.push(() => words(control)[callable(1)]!);
  expect(waiter.helping.wait(500)).toBe(0);
});

test("nobody counts on a thread that fails", () => {
  const control = makeControl(1);
  const waiter = new Waiter(control, 1, 2);
  waiter.ready.push(
    () => Atomics.exchange(words(control), callable(1), 0),
    () => {
      throw new Error("epoll_wait failed");
    },
  );
  waiter.helping.wait(500);
  expect(() => waiter.helping.wait(500)).toThrow("epoll_wait failed");
  expect(waiter.looking).toBe(0);
});

test("a look at its own packets alone neither helps nor sleeps", () => {
  const waiter = new Waiter(makeControl(1), 0, 2);
  waiter.ready.push(0, 3);
  expect([waiter.helping.wait(0), waiter.helping.wait(0)]).toEqual([0, 3]);
  expect([waiter.looks, waiter.slept.length]).toEqual([0, 0]);
});
