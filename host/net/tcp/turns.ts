/**
 * Whose turn it is to send: connections for which something may have to be sent, one packet each, again and again, until nobody may send or
 * the sink is full. However many then wait, a turn costs no more than what was touched since the last one: only their deadlines may have moved.
 */
import type { Context } from "../transport.ts";
import type { Connection } from "./connection.ts";
import { schedule } from "./deadlines.ts";
import { transmit } from "./transmit.ts";

const DONE_MAX = 256;

export class Turns {
  readonly #context: Context;
  /** In the order of their turns. */
  #waiting: Connection[] = [];
  /** Their deadlines are to be put into the timers. */
  #moved: Connection[] = [];
  /** The sink has no room. */
  #full = false;
  /** Those that wait for the tunnel. */
  readonly #held = new Set<Connection>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Something may have to be sent, or a deadline has moved. */
  touch(c: Connection): void {
    this.#deadlinesMoved(c);
    if (!c.touched) {
      c.touched = true;
      this.#waiting.push(c);
    }
    this.#context.wake();
  }

  #deadlinesMoved(c: Connection): void {
    if (c.deadlinesMoved) return;
    c.deadlinesMoved = true;
    this.#moved.push(c);
  }

  /** The tunnel is not there yet: go on when it is. */
  hold(c: Connection): void {
    this.#held.add(c);
  }

  ready(): void {
    for (const c of this.#held) this.touch(c);
    this.#held.clear();
  }

  room(): void {
    this.#full = false;
  }

  /** It has ended. */
  forget(c: Connection): void {
    this.#held.delete(c);
  }

  clear(): void {
    this.#waiting = [];
    this.#moved = [];
    this.#held.clear();
  }

  take(): void {
    if (!this.#full) this.#send();
    if (this.#moved.length === 0) return;
    const moved = this.#moved;
    this.#moved = [];
    for (const c of moved) {
      c.deadlinesMoved = false;
      if (c.connectWithin > 0) {
        c.giveUpAt = this.#context.now + c.connectWithin;
        c.connectWithin = 0;
      }
      if (c.state !== "CLOSED") schedule(c);
    }
  }

  #send(): void {
    const queue = this.#waiting;
    let first = 0;
    for (; first < queue.length; first++) {
      const c = queue[first]!;
      const sent = transmit(c);
      this.#deadlinesMoved(c);
      if (sent === "full") break;
      if (sent === "sent") queue.push(c);
      else c.touched = false;
      // Those that are done lie in front of the queue until there are many.
      if (first < DONE_MAX) continue;
      queue.splice(0, first + 1);
      first = -1;
    }
    // What `splice` takes out it puts into an array, and mostly that is all of them.
    if (first === queue.length) queue.length = 0;
    else queue.splice(0, first);
    this.#full = queue.length > 0;
  }
}
