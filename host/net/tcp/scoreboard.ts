/**
 * What was sent and is not acknowledged (RFC 6675, RFC 8985 §4): runs of bytes that were sent together, in order of position. A
 * superpacket is one run; acknowledgements and losses in its midst split it. So the work goes with what is lost, not with what is sent.
 *
 * A run is in flight, SACKED (received out of order), or LOST (to be sent again; then in flight again, with a new time).
 */
import type { Instant } from "../../time/instant.ts";

export class Run {
  start: number;
  end: number;
  sentAt: Instant;
  /** How often it was sent again. */
  retransmits = 0;
  sacked = false;
  lost = false;
  next: Run | undefined;
  previous: Run | undefined;

  constructor(start: number, end: number, sentAt: Instant) {
    this.start = start;
    this.end = end;
    this.sentAt = sentAt;
  }
}

/** What one acknowledgement delivered for the first time: filled by `acknowledge` and `sack`, read by loss detection. */
export class Delivery {
  bytes = 0;
  /** Sent last and sent first among the runs, leaving out those sent again whose sending is ambiguous; NaN: none. */
  lastSentAt: Instant = Number.NaN;
  lastEnd = 0;
  lastRetransmitted = false;
  firstSentAt: Instant = Number.NaN;
  /** A run that was sent once came after one that was sent later: the path reorders. */
  reordered = false;
  /** The peer told of bytes that it got twice (RFC 2883). */
  duplicate = false;
  /** Time that the acknowledgement's timestamp echoes, NaN without; the least round trip. Set before. */
  echo: Instant = Number.NaN;
  leastRtt = 0;
  now: Instant = 0;
  /** `Scoreboard.forward` before it: the blocks of one acknowledgement come in any order, which says nothing about the path. */
  forward = 0;

  begin(echo: Instant, leastRtt: number, now: Instant, forward: number): void {
    this.forward = forward;
    this.bytes = 0;
    this.lastSentAt = this.firstSentAt = Number.NaN;
    this.lastEnd = 0;
    this.lastRetransmitted = false;
    this.reordered = this.duplicate = false;
    this.echo = echo;
    this.leastRtt = leastRtt;
    this.now = now;
  }
}

export class Scoreboard {
  head: Run | undefined;
  tail: Run | undefined;
  sackedBytes = 0;
  lostBytes = 0;
  /** All that is not acknowledged in order. */
  bytes = 0;
  /** End of the highest run ever delivered out of order or acknowledged. */
  forward = 0;
  #runs = 0;

  /** Bytes thought to be in the network. */
  get inFlight(): number {
    return this.bytes - this.sackedBytes - this.lostBytes;
  }

  get runs(): number {
    return this.#runs;
  }

  /** New bytes were sent. */
  sent(start: number, end: number, now: Instant): void {
    const { tail } = this;
    this.bytes += end - start;
    if (tail !== undefined && tail.sentAt === now && tail.retransmits === 0 && !tail.sacked && !tail.lost) {
      tail.end = end;
      return;
    }
    const run = new Run(start, end, now);
    run.previous = tail;
    if (tail === undefined) this.head = run;
    else tail.next = run;
    this.tail = run;
    this.#runs += 1;
  }

  /** Bytes of a run, from its start, were sent again. */
  resent(run: Run, bytes: number, now: Instant): void {
    if (bytes < run.end - run.start) this.#split(run, run.start + bytes);
    if (run.lost) {
      run.lost = false;
      this.lostBytes -= run.end - run.start;
    }
    run.retransmits += 1;
    run.sentAt = now;
  }

  markLost(run: Run): void {
    if (run.lost || run.sacked) return;
    run.lost = true;
    this.lostBytes += run.end - run.start;
  }

  /** The first `bytes` of what is not acknowledged are lost (RFC 6582: without selective acknowledgements). */
  markHeadLost(bytes: number): void {
    const { head } = this;
    if (head === undefined || head.lost) return;
    if (head.end - head.start > bytes) this.#split(head, head.start + bytes);
    this.markLost(head);
  }

  /** The timer ran out: nothing is thought to be on its way any more. */
  markAllLost(): void {
    for (let run = this.head; run !== undefined; run = run.next) this.markLost(run);
  }

  /** Nothing was lost after all. */
  unmarkLost(): void {
    if (this.lostBytes === 0) return;
    for (let run = this.head; run !== undefined; run = run.next) run.lost = false;
    this.lostBytes = 0;
  }

  /** The last `bytes` at most of what is in flight, as a run of its own. */
  last(bytes: number): Run | undefined {
    const { tail } = this;
    if (tail === undefined || tail.sacked) return undefined;
    return tail.end - tail.start > bytes ? this.#split(tail, tail.end - bytes) : tail;
  }

  /** The first run that waits to be sent again. */
  firstLost(): Run | undefined {
    if (this.lostBytes === 0) return undefined;
    for (let run = this.head; run !== undefined; run = run.next) if (run.lost) return run;
    return undefined;
  }

  /** All before `una` arrived. */
  acknowledge(una: number, delivery: Delivery): void {
    let run = this.head;
    while (run !== undefined && run.start < una) {
      if (run.end > una) this.#split(run, una);
      this.#deliver(run, delivery);
      const { next } = run;
      this.#remove(run);
      run = next;
    }
    this.forward = Math.max(this.forward, una);
  }

  /** The bytes from `start` to `end` arrived out of order. */
  sack(start: number, end: number, delivery: Delivery): void {
    let run = this.#firstAfter(start);
    while (run !== undefined && run.start < end) {
      if (run.sacked) {
        run = run.next;
        continue;
      }
      if (run.start < start) run = this.#split(run, start);
      if (run.end > end) this.#split(run, end);
      this.#deliver(run, delivery);
      run.sacked = true;
      this.sackedBytes += run.end - run.start;
      run = this.#join(run).next;
    }
    this.forward = Math.max(this.forward, Math.min(end, this.tail?.end ?? 0));
  }

  /** The peer may have dropped what it had out of order (RFC 2018 §8): forget what it said. */
  forgetSacks(): void {
    for (let run = this.head; run !== undefined; run = run.next) run.sacked = false;
    this.sackedBytes = 0;
  }

  clear(): void {
    this.head = this.tail = undefined;
    this.bytes = this.sackedBytes = this.lostBytes = this.#runs = 0;
  }

  /** A run has arrived: note what that says about time and order. */
  #deliver(run: Run, delivery: Delivery): void {
    if (run.lost) {
      run.lost = false;
      this.lostBytes -= run.end - run.start;
    }
    if (run.sacked) return;
    delivery.bytes += run.end - run.start;
    if (run.retransmits === 0) {
      if (run.end < delivery.forward) delivery.reordered = true;
      if (!(delivery.firstSentAt <= run.sentAt)) delivery.firstSentAt = run.sentAt;
    } else if (delivery.echo < Math.floor(run.sentAt) || delivery.now - run.sentAt < delivery.leastRtt) {
      // An earlier copy arrived (RFC 8985 §6.2 step 2).
      return;
    }
    const last = delivery.lastSentAt;
    if (!(run.sentAt < last) && !(run.sentAt === last && run.end <= delivery.lastEnd)) {
      delivery.lastSentAt = run.sentAt;
      delivery.lastEnd = run.end;
      delivery.lastRetransmitted = run.retransmits > 0;
    }
  }

  /** The first run that ends after `position`; from the nearer end. */
  #firstAfter(position: number): Run | undefined {
    const { head, tail } = this;
    if (head === undefined || tail === undefined || tail.end <= position) return undefined;
    if (position - head.start < tail.end - position) {
      let run: Run | undefined = head;
      while (run !== undefined && run.end <= position) run = run.next;
      return run;
    }
    let run: Run = tail;
    while (run.previous !== undefined && run.previous.end > position) run = run.previous;
    return run;
  }

  /** @returns the part from `position` on */
  #split(run: Run, position: number): Run {
    const rest = new Run(position, run.end, run.sentAt);
    rest.retransmits = run.retransmits;
    rest.sacked = run.sacked;
    rest.lost = run.lost;
    rest.previous = run;
    rest.next = run.next;
    if (run.next === undefined) this.tail = rest;
    else run.next.previous = rest;
    run.next = rest;
    run.end = position;
    this.#runs += 1;
    return rest;
  }

  /** Make one of a run that was just sacked and its sacked neighbours. */
  #join(run: Run): Run {
    const { previous, next } = run;
    if (next?.sacked) {
      run.end = next.end;
      this.#unlink(next);
    }
    if (!previous?.sacked) return run;
    previous.end = run.end;
    this.#unlink(run);
    return previous;
  }

  #remove(run: Run): void {
    const bytes = run.end - run.start;
    this.bytes -= bytes;
    if (run.sacked) this.sackedBytes -= bytes;
    this.#unlink(run);
  }

  #unlink(run: Run): void {
    const { previous, next } = run;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    this.#runs -= 1;
  }
}
