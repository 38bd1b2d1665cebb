/** When the doorbell listens to signals and when it looks for itself, against a kernel of a few lines. */
import { beforeEach, expect, it } from "vitest";
import { FILE } from "../../../../host/ffi/constants.ts";
import { EPOLL_EVENT } from "../../../../host/ffi/layout.ts";
import type { Libc } from "../../../../host/ffi/libc.ts";
import { Doorbell } from "../../../../host/os/linux/doorbell.ts";

const FD = 7;
const AREA = 64;

class Kernel {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  readonly scratch = { view: new DataView(new ArrayBuffer(64)), at: () => 0 };
  readonly waiting = new Map<number, number>();
  flags = 0;
  flagCalls = 0;
  epollCreate1 = () => 3;
  epollCtl = () => 0;
  close = () => 0;

  fcntl(_fd: number, command: number, value: number): number {
    if (command === FILE.F_SETFL) {
      this.flags = value;
      this.flagCalls += 1;
    }
    return command === FILE.F_GETFL ? this.flags : 0;
  }

  epollWait(_fd: number, area: number): number {
    const words = new Uint32Array(this.memory.buffer, area);
    const ready = [...this.waiting].filter(([, count]) => count > 0);
    ready.forEach(([fd], i) => {
      words[(i * EPOLL_EVENT.BYTES + EPOLL_EVENT.data) >> 2] = fd;
    });
    return ready.length;
  }
}

let kernel: Kernel;
let ring: () => void;
let turn: (() => void)[];
let taken: number;
/** What comes while the program deals with what came before. */
let meanwhile: number;
let doorbell: Doorbell;

/** Turns of the event loop until it asks for no more. @returns how many */
function turns(): number {
  let count = 0;
  for (; turn.length > 0; count++) for (const task of turn.splice(0)) task();
  return count;
}

function come(): void {
  kernel.waiting.set(FD, kernel.waiting.get(FD)! + 1);
}

const hearsSignals = (): boolean => (kernel.flags & FILE.O_ASYNC) !== 0;

beforeEach(() => {
  kernel = new Kernel();
  kernel.waiting.set(FD, 0);
  [turn, taken, meanwhile] = [[], 0, 0];
  doorbell = new Doorbell(kernel as unknown as Libc, AREA, {
    onUrgent: (call) => {
      ring = call;
      return () => {};
    },
    soon: (task) => void turn.push(task),
    stays: () => true,
    pid: 1,
  });
  doorbell.watch(FD, () => {
    taken += kernel.waiting.get(FD)!;
    kernel.waiting.set(FD, 0);
    for (; meanwhile > 0; meanwhile--) come();
  });
  turns();
  kernel.flagCalls = 0;
});

it("what comes singly is taken at its signal, and costs nothing besides", () => {
  for (let i = 1; i <= 3; i++) {
    come();
    ring();
    expect([taken, turns(), kernel.flagCalls]).toEqual([i, 0, 0]);
  }
});

it("what comes while the program is busy is looked for, without signals, until nothing comes any more", () => {
  come();
  meanwhile = 1;
  ring();
  const [look] = turn.splice(0);
  look!();
  expect([taken, hearsSignals()]).toEqual([2, false]);
  expect(turns()).toBeGreaterThan(1);
  expect(hearsSignals()).toBe(true);
});

it("a signal for what was taken along tells of more to come", () => {
  come();
  come();
  ring();
  expect(turn).toHaveLength(0);
  ring();
  expect(turn).toHaveLength(1);
  come();
  turns();
  expect([taken, hearsSignals()]).toEqual([3, true]);
});

it("looks again after a program that threw", () => {
  doorbell.unwatch(FD);
  doorbell.watch(FD, () => {
    if (taken === 0) {
      taken = 1;
      throw new Error("in the middle");
    }
    taken += 1;
    kernel.waiting.set(FD, 0);
  });
  turns();
  come();
  expect(ring).toThrow("in the middle");
  turns();
  expect([taken, kernel.waiting.get(FD)]).toEqual([2, 0]);
});

it("closed by whom it tells, it looks no more", () => {
  doorbell.unwatch(FD);
  doorbell.watch(FD, () => {
    doorbell.unwatch(FD);
    doorbell.close();
  });
  turns();
  come();
  ring();
  expect(turns()).toBeLessThanOrEqual(1);
});
