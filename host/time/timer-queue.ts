/**
 * Which peer's timers are due next: a binary heap of peers by `wakeAt`. A timer that moves into the future costs
 * nothing here: the peer wakes too early once, finds nothing due and is put back. So a packet never pays for the
 * number of peers.
 */
import type { Instant } from "./instant.ts";

export interface Sleeper {
  /** When it is due; Infinity while it is not in the queue. Written by the queue only. */
  wakeAt: Instant;
  /** Position in the heap, -1 while out of it. Written by the queue only. */
  heapIndex: number;
}

export class TimerQueue<T extends Sleeper> {
  readonly #heap: T[] = [];

  /** When the first is due. */
  get next(): Instant {
    return this.#heap[0]?.wakeAt ?? Number.POSITIVE_INFINITY;
  }

  /** Wake `sleeper` at `at`, or before if that was asked for already. */
  schedule(sleeper: T, at: Instant): void {
    if (at >= sleeper.wakeAt) return;
    sleeper.wakeAt = at;
    if (sleeper.heapIndex < 0) {
      sleeper.heapIndex = this.#heap.length;
      this.#heap.push(sleeper);
    }
    this.#up(sleeper.heapIndex);
  }

  /** Take out the first that is due at `now`. */
  pop(now: Instant): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.wakeAt > now) return undefined;
    this.remove(first);
    return first;
  }

  remove(sleeper: T): void {
    const index = sleeper.heapIndex;
    if (index < 0) return;
    sleeper.heapIndex = -1;
    sleeper.wakeAt = Number.POSITIVE_INFINITY;
    const last = this.#heap.pop()!;
    if (last === sleeper) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#down(index);
    this.#up(last.heapIndex);
  }

  #swap(a: number, b: number): void {
    const left = this.#heap[a]!;
    const right = this.#heap[b]!;
    this.#heap[a] = right;
    this.#heap[b] = left;
    right.heapIndex = a;
    left.heapIndex = b;
  }

  #up(index: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#heap[parent]!.wakeAt <= this.#heap[index]!.wakeAt) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #down(index: number): void {
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#heap[child]!.wakeAt < this.#heap[least]!.wakeAt) least = child;
      }
      if (least === index) return;
      this.#swap(least, index);
      index = least;
    }
  }
}
