/**
 * The window that the peer is told (RFC 9293 §3.8.6). Its right edge never moves back, and forward only by steps worth telling. How
 * large it may become is learnt from how much the user reads in a round trip: four times as much, so that the peer's slow start is
 * never held up; a user who does not read gets no more.
 */
import type { Instant } from "../../time/instant.ts";
import type { MemoryBudget } from "../budget.ts";
import { BUFFER_MAX, WINDOW_INITIAL } from "./constants.ts";
import type { ReceiveQueue } from "./receive-queue.ts";

/** While memory is short, as much as this is still let in for each connection. */
const WINDOW_LEAST = 16 << 10;

export class ReceiveWindow {
  readonly #budget: MemoryBudget;
  /** What may be unread. */
  limit = WINDOW_INITIAL;
  /** Position that the peer was told it may send up to. */
  edge = 1;
  /** Round trip as seen from here, by echoed timestamps; 0 before. */
  #roundTrip = 0;
  #measuredAt: Instant = 0;
  #read = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** An echoed timestamp says how long a round trip took, the peer's own delays included. */
  roundTrip(milliseconds: number): void {
    const sample = Math.max(milliseconds, 1);
    this.#roundTrip = this.#roundTrip === 0 ? sample : this.#roundTrip + (sample - this.#roundTrip) / 8;
  }

  /** The user has read. */
  read(bytes: number, smoothed: number, now: Instant): void {
    this.#read += bytes;
    const period = Math.max(this.#roundTrip, smoothed, 1);
    if (now - this.#measuredAt < period) return;
    // Over a pause the figure says nothing.
    if (now - this.#measuredAt < 4 * period && 4 * this.#read > this.limit) {
      this.limit = Math.min(4 * this.#read, BUFFER_MAX);
    }
    this.#read = 0;
    this.#measuredAt = now;
  }

  /** End of what may be unread; before what is here already where that is too much. */
  #bound(queue: ReceiveQueue): number {
    return queue.next - queue.length + Math.min(this.limit, Math.max(this.#budget.share, WINDOW_LEAST));
  }

  /** Where the edge could be now. */
  #wanted(queue: ReceiveQueue): number {
    return Math.max(queue.next, this.#bound(queue));
  }

  /** The most that a header can say: without a window scale that is less than the limit. */
  #mostOf(scale: number): number {
    return Math.min(this.limit, 65_535 * 2 ** scale);
  }

  /** Whether reading has made so much room that the peer should hear of it. */
  worthTelling(queue: ReceiveQueue, segment: number, scale: number): boolean {
    const most = this.#mostOf(scale);
    const more = Math.min(this.#wanted(queue), queue.next + most) - this.edge;
    return more >= Math.min(most / 2, 2 * segment) && (more >= most / 4 || this.edge - queue.next < segment);
  }

  /**
   * The window for a segment that leaves now; moves the edge.
   * @param scale as was agreed on
   * @returns what the header says
   */
  announce(queue: ReceiveQueue, acknowledged: number, segment: number, scale: number): number {
    // RFC 9293 §3.8.6.2.2: no silly windows.
    const wanted = this.#wanted(queue);
    const target = wanted - this.edge >= Math.min(segment, this.#mostOf(scale) / 2) ? wanted : this.edge;
    // Rounded up, for what was told once must not be taken back; but not again and again, or a peer that always leaves a rest would
    // never find the window closed. What is taken back then is less than one step (RFC 7323 §2.4), and still let in.
    const unit = 2 ** scale;
    const steps = Math.max(0, target - acknowledged) / unit;
    const up = Math.ceil(steps);
    const field = Math.min(acknowledged + up * unit > this.#bound(queue) + unit ? Math.floor(steps) : up, 65_535);
    this.edge = Math.max(this.edge, acknowledged + field * unit);
    return field;
  }
}
