import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PacketWait } from "../../../host/loop/packet-wait.ts";
import type { Waiting } from "../../../host/os/machine.ts";

const GAP_MS = 2;
const MAY_WAIT_MS = 50;
/** Packets that a turn may take. */
const LIMIT = 64;

/** By the nth look, a brief sleep, a sleep. */
interface Found {
  look?: (nth: number) => number;
  brief?: number;
  interrupted?: boolean;
  sleep?: number;
  /** Of the places of packets. */
  ready?: readonly boolean[];
}

/** A PollSet that never sleeps, and says what it was asked. */
class FakePoll {
  readonly sleeps: number[] = [];
  readonly briefSleeps: number[] = [];
  readonly pauses: number[] = [];
  looks = 0;
  readonly #found: Found;

  constructor(found: Found = {}) {
    this.#found = found;
  }

  wait(timeoutMs: number): number {
    if (timeoutMs > 0) {
      this.sleeps.push(timeoutMs);
      return this.#found.sleep ?? 0;
    }
    this.looks += 1;
    return this.#found.look?.(this.looks) ?? 0;
  }

  ready(place: number): boolean {
    return this.#found.ready?.[place] ?? false;
  }

  waitBriefly(timeoutMs: number): number {
    this.briefSleeps.push(timeoutMs);
    if (this.#found.brief === undefined && !this.#found.interrupted) clock += timeoutMs;
    return this.#found.brief ?? 0;
  }

  pause(timeoutMs: number): void {
    this.pauses.push(timeoutMs);
    clock += timeoutMs;
  }
}

/** Each look at the clock takes it on a little, and so do sleeps. */
let clock = 0;
/** How long whoever else wants the core keeps it. */
let keepMs = 0;
const yieldCore = (): void => {
  clock += keepMs;
};

beforeEach(() => {
  [clock, keepMs] = [1010.1, 0];
  vi.spyOn(performance, "now").mockImplementation(() => {
    clock += 0.005;
    return clock;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function waiting(poll: FakePoll, busyPoll?: number, mayWait = MAY_WAIT_MS): PacketWait {
  return new PacketWait({ waiting: poll as unknown as Waiting, yieldCore }, 3, busyPoll, () => mayWait);
}

/** Packets through a place, evenly, the last one `ago` ms before `now`. */
function hear(wait: PacketWait, place: number, now: number, ago = 0, count = 60): void {
  for (let i = count; i >= 0; i--) wait.came(place, now - ago - i * GAP_MS, 1, LIMIT);
}

test("sleeps while nothing is expected", () => {
  const poll = new FakePoll({ sleep: 1 });
  expect(waiting(poll).wait(performance.now())).toBe(1);
  expect(poll).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });
});

test("wakes before the next packet is due, and looks for it", () => {
  const poll = new FakePoll({ look: (nth) => (nth === 3 ? 2 : 0) });
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 1, now);
  expect(wait.wait(now)).toBe(2);
  expect(poll).toMatchObject({ sleeps: [], looks: 3 });
  expect(poll.briefSleeps).toHaveLength(1);
  expect(poll.briefSleeps[0]).toBeGreaterThan(GAP_MS / 2);
  expect(poll.briefSleeps[0]).toBeLessThan(GAP_MS);
});

test("takes a packet that comes before", () => {
  const poll = new FakePoll({ brief: 1 });
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 1, now);
  expect(wait.wait(now)).toBe(1);
  expect(poll).toMatchObject({ sleeps: [], looks: 0 });
});

test("sleeps again when it looked in vain, but not for long: a signal may have come", () => {
  const poll = new FakePoll();
  const wait = waiting(poll, undefined, 5000);
  const now = performance.now();
  hear(wait, 0, now, GAP_MS - 0.1);
  expect(wait.wait(now)).toBe(0);
  expect(poll.looks).toBeGreaterThan(0);
  expect(poll.briefSleeps).toEqual([]);
  expect(poll.sleeps).toHaveLength(1);
  expect(poll.sleeps[0]).toBeLessThanOrEqual(100);
});

test("a signal that interrupts the sleep is told at once", () => {
  const poll = new FakePoll({ interrupted: true });
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 1, now);
  expect(wait.wait(now)).toBe(0);
  expect(poll).toMatchObject({ sleeps: [], looks: 0 });
});

test("does not look where somebody else needs the core", () => {
  const poll = new FakePoll();
  const wait = waiting(poll);
  hear(wait, 0, performance.now());
  keepMs = 4;
  wait.handOver();
  const now = performance.now();
  hear(wait, 0, now);
  wait.wait(now);
  expect(poll).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });
});

test("tells the first packets after a pause from those of a stream", () => {
  const wait = waiting(new FakePoll());
  const pauses = [0, 5, 5.05, 5.1, 5.1, 5.29, 5.5].map((at) => {
    wait.came(1, 2000 + at, 1, LIMIT);
    return wait.awaited;
  });
  expect(pauses).toEqual([true, true, false, false, false, false, true]);
  wait.came(0, 2010, 0, LIMIT);
  expect(wait.awaited).toBe(true);
});

test("looks for none, and hands the core to nobody, where packets come one way only", () => {
  const poll = new FakePoll();
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 1, now, 0, 100);
  expect(wait.awaited).toBe(false);
  wait.wait(now);
  expect(poll).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });
  wait.came(0, now, 1, LIMIT);
  wait.wait(now);
  expect(poll.briefSleeps).toHaveLength(1);
});

test("expects no packet that is much too late", () => {
  const poll = new FakePoll();
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 0, now, GAP_MS + 1);
  wait.wait(now);
  expect(poll).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });
});

test("looks out for the one of two that is due first", () => {
  const poll = new FakePoll({ brief: 1 });
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 0, now);
  hear(wait, 2, now, 1);
  wait.wait(now);
  expect(poll.briefSleeps[0]).toBeLessThan(GAP_MS - 1);
});

test("does what is due first", () => {
  const poll = new FakePoll();
  const wait = waiting(poll, undefined, 0.5);
  const now = performance.now();
  hear(wait, 0, now);
  wait.wait(now);
  expect(poll).toMatchObject({ sleeps: [0.5], briefSleeps: [], looks: 0 });
});

test("packets that come together are not expected", () => {
  const poll = new FakePoll();
  const wait = waiting(poll);
  const now = performance.now();
  hear(wait, 0, now, GAP_MS);
  wait.came(0, now, 2, LIMIT);
  wait.wait(now);
  expect(poll).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });
});

test("looks as long as it was told after every packet, or never, whatever the rhythm", () => {
  const now = performance.now();
  const never = new FakePoll();
  const asleep = waiting(never, 0);
  hear(asleep, 0, now);
  asleep.wait(now);
  expect(never).toMatchObject({ sleeps: [MAY_WAIT_MS], briefSleeps: [], looks: 0 });

  const always = new FakePoll({ look: () => 1 });
  const awake = waiting(always, 10_000);
  awake.came(0, now, 1, LIMIT);
  expect(awake.wait(now)).toBe(1);
  expect(always).toMatchObject({ sleeps: [], briefSleeps: [], looks: 1 });
});

/** A stream through a place, one packet every 0.02 ms. */
function stream(wait: PacketWait, place: number): void {
  for (let i = 200; i >= 0; i--) wait.came(place, clock - i * 0.02, 1, LIMIT);
}

test("lets the packets of a stream come together, and then waits, but not for long: a signal may have come", () => {
  const poll = new FakePoll({ sleep: 1 });
  const wait = waiting(poll, undefined, 5000);
  stream(wait, 0);
  expect(wait.gathered).toBe(false);
  expect([wait.wait(performance.now()), wait.gathered]).toEqual([1, true]);
  expect(poll.pauses).toHaveLength(1);
  expect(poll.sleeps).toEqual([100]);
  wait.came(1, performance.now(), 1, LIMIT);
  expect([wait.wait(performance.now()), wait.gathered]).toEqual([1, false]);
  expect(poll.pauses).toHaveLength(1);
});

test("sleeps like before when the stream is over, and leaves nothing alone that comes then", () => {
  const poll = new FakePoll({ sleep: 1 });
  const wait = waiting(poll, undefined, 5000);
  stream(wait, 0);
  clock += 20;
  expect([wait.wait(performance.now()), wait.gathered]).toEqual([1, false]);
  expect([poll.sleeps, poll.pauses]).toEqual([[5000], []]);
});

/** Four packets at once through a place, each millisecond. */
function bursts(wait: PacketWait, place: number): void {
  for (let i = 400; i >= 0; i--) wait.came(place, clock - (i >> 2) - (i & 3) * 0.02, 1, LIMIT);
}

test("waits for the first of a burst, and lets the others come, but does not wait long after it: a signal may have come", () => {
  const poll = new FakePoll({ sleep: 1, ready: [true, false, false] });
  const wait = waiting(poll, undefined, 5000);
  bursts(wait, 0);
  expect([wait.wait(performance.now()), wait.gathered, poll.pauses.length]).toEqual([1, true, 1]);
  expect(poll.sleeps).toEqual([5000]);
  wait.came(0, performance.now(), 4, LIMIT);
  wait.wait(performance.now());
  expect(poll.sleeps).toEqual([5000, 100]);
});

test.each([
  ["nothing came", 0, [true, false, false]],
  ["there is an answer", 2, [true, false, true]],
  ["there is something else", 1, [false, false, false]],
])("where %s it waits for no burst", (_why, sleep, ready) => {
  const poll = new FakePoll({ sleep, ready });
  const wait = waiting(poll);
  bursts(wait, 0);
  expect([wait.wait(performance.now()), wait.gathered, poll.pauses]).toEqual([sleep, false, []]);
});

test("the two address families are one side", () => {
  const poll = new FakePoll();
  const wait = waiting(poll, 0);
  for (let i = 200; i >= 0; i--) wait.came(1 + (i & 1), clock - i * 0.02, 1, LIMIT);
  wait.wait(performance.now());
  expect(poll.pauses).toHaveLength(1);
});

test("nothing is left alone where latency is paid for, nor where there is no short sleep", () => {
  const busy = new FakePoll({ look: () => 1 });
  const paid = waiting(busy, 10_000);
  stream(paid, 0);
  expect(paid.wait(performance.now())).toBe(1);
  expect(busy.pauses).toEqual([]);

  const coarse = Object.assign(new FakePoll({ sleep: 1 }), { pause: undefined });
  const wait = new PacketWait({ waiting: coarse as unknown as Waiting, yieldCore }, 3, undefined, () => MAY_WAIT_MS);
  stream(wait, 0);
  expect([wait.wait(performance.now()), wait.gathered]).toEqual([1, false]);
});
