/** CUBIC (RFC 9438), with HyStart++ for its slow start. Its formulas are in segments; the window is kept in bytes. */
import type { Instant } from "../../time/instant.ts";
import type { CongestionControl } from "./congestion.ts";
import { INITIAL_WINDOW_SEGMENTS } from "./constants.ts";
import { SlowStart } from "./slow-start.ts";

const C = 0.4;
const BETA = 0.7;
/** What makes Reno's growth fair at this β (§4.3). */
const RENO_ALPHA = (3 * (1 - BETA)) / (1 + BETA);
const WINDOW_MAX = 64 << 20;
const SEGMENTS_MIN = 2;

export class Cubic implements CongestionControl {
  window: number;
  threshold = Number.POSITIVE_INFINITY;
  #mss: number;
  #slowStart: SlowStart | undefined = new SlowStart();
  /** W_max and W_est, in segments; cwnd_prior for W_est's growth. */
  #max = 0;
  #estimate = 0;
  #prior = 0;
  /** Begin of this stage of congestion avoidance, NaN before; K in seconds. */
  #epoch: Instant = Number.NaN;
  #k = 0;
  #origin = 0;
  #undoWindow = 0;
  #undoThreshold = 0;
  #undoMax = 0;
  #undoSlowStart: SlowStart | undefined;

  constructor(mss: number) {
    this.#mss = mss;
    // RFC 6928 §2.
    this.window = Math.min(INITIAL_WINDOW_SEGMENTS * mss, Math.max(2 * mss, 14_600));
  }

  acknowledged(bytes: number, rtt: number, smoothed: number, una: number, nxt: number, now: Instant): void {
    if (this.window < this.threshold) {
      bytes = this.#growSlowStart(bytes, rtt, una, nxt);
      if (bytes === 0) return;
    }
    this.#avoidCongestion(bytes, smoothed, now);
  }

  /** @returns acknowledged bytes that are left for congestion avoidance */
  #growSlowStart(bytes: number, rtt: number, una: number, nxt: number): number {
    // HyStart++ is for the first slow start only (RFC 9406 §4.3); later ones know where to stop.
    const growth = this.#slowStart === undefined ? bytes : this.#slowStart.grow(bytes, rtt, una, nxt);
    if (growth < 0) {
      this.threshold = this.window;
      this.#slowStart = undefined;
      return bytes;
    }
    const room = this.threshold - this.window;
    this.window = Math.min(this.window + Math.min(growth, room), WINDOW_MAX);
    return growth > room ? growth - room : 0;
  }

  #avoidCongestion(bytes: number, smoothed: number, now: Instant): void {
    const mss = this.#mss;
    const segments = this.window / mss;
    if (Number.isNaN(this.#epoch)) this.#beginEpoch(segments, now);
    const acknowledged = bytes / mss;
    // Reno's window by an estimate (§4.3); past the old window it grows as Reno's own.
    this.#estimate += ((this.#estimate >= this.#prior ? 1 : RENO_ALPHA) * acknowledged) / segments;
    const t = (now - this.#epoch) / 1000;
    const cubic = this.#cubicAt(t);
    if (cubic < this.#estimate) {
      this.window = Math.min(Math.max(this.window, this.#estimate * mss), WINDOW_MAX);
      return;
    }
    const ahead = this.#cubicAt(t + smoothed / 1000);
    const target = Math.max(segments, Math.min(ahead, 1.5 * segments));
    this.window = Math.min(this.window + ((target - segments) / segments) * bytes, WINDOW_MAX);
  }

  #beginEpoch(segments: number, now: Instant): void {
    this.#epoch = now;
    this.#estimate = segments;
    if (segments < this.#max) {
      this.#k = Math.cbrt((this.#max - segments) / C);
      this.#origin = this.#max;
    } else {
      this.#k = 0;
      this.#origin = segments;
    }
  }

  #cubicAt(t: number): number {
    return C * (t - this.#k) ** 3 + this.#origin;
  }

  lost(_flight: number): number {
    this.#remember();
    const segments = this.window / this.#mss;
    // Fast convergence (§4.7): a flow that has less than before leaves room for those that come.
    this.#max = segments < this.#max ? (segments * (1 + BETA)) / 2 : segments;
    this.#prior = segments;
    this.threshold = Math.max(this.window * BETA, SEGMENTS_MIN * this.#mss);
    this.#epoch = Number.NaN;
    this.#slowStart = undefined;
    return this.threshold;
  }

  timedOut(flight: number): void {
    this.lost(flight);
    this.window = this.#mss;
  }

  limit(window: number): void {
    this.window = Math.max(window, this.#mss);
  }

  #remember(): void {
    this.#undoWindow = this.window;
    this.#undoThreshold = this.threshold;
    this.#undoMax = this.#max;
    this.#undoSlowStart = this.#slowStart;
  }

  undo(): void {
    this.window = Math.max(this.window, this.#undoWindow);
    this.threshold = this.#undoThreshold;
    this.#max = this.#undoMax;
    this.#slowStart = this.#undoSlowStart;
    this.#epoch = Number.NaN;
  }

  idle(): void {
    this.window = Math.min(this.window, Math.min(INITIAL_WINDOW_SEGMENTS * this.#mss, Math.max(2 * this.#mss, 14_600)));
    this.#epoch = Number.NaN;
  }

  segmentSize(bytes: number): void {
    // The same number of segments, which are smaller now (RFC 1191 §6.5 has it so).
    this.window = Math.max((this.window / this.#mss) * bytes, bytes);
    this.#mss = bytes;
  }
}
