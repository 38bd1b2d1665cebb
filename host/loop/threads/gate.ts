/**
 * Who may touch what, when: workers read the shared structures of linear memory (peers, routes, indices, keypairs)
 * between `enter` and `leave`; thread 0 changes them between `hold` and `release`, while no worker is inside.
 * This is quiescent-state reclamation (as RCU has it; McKenney, Slingwine, 1998): a worker that is not inside holds no reference.
 * A worker's common path is one load and two stores for each batch; nobody is woken who sleeps in epoll_wait.
 *
 *   worker    IDLE ──enter──▶ WORKING ──leave──▶ IDLE           enter waits while EPOCH is odd
 *   thread 0  hold: EPOCH odd, wait until no worker is WORKING    release: EPOCH even, wake who waits
 */
import { EPOCH, GONE, IDLE, line, STATE, WORKING } from "./control.ts";
import { Patience } from "./patience.ts";

const SPINS = 1_000;
const NAP_MS = 1;
/**
 * A worker that is still at one batch after this long will never end it. Longer than a worker waits for those that share its batch (Fork.isDone,
 * some six seconds), so that it is the one to say so.
 */
const PATIENCE_MS = 9_000;

/** Thread 0's side. */
export class Gate {
  readonly #words: Int32Array;
  readonly #workers: number;
  #held = false;
  #ended = false;

  constructor(control: SharedArrayBuffer, workers: number) {
    this.#words = new Int32Array(control);
    this.#workers = workers;
  }

  /** Wait until all workers pause. Until `release` nothing happens here any more. @throws Error if one hangs */
  hold(): void {
    if (this.#held || this.#ended) return;
    this.#held = true;
    Atomics.add(this.#words, EPOCH, 1);
    for (let k = 0; k < this.#workers; k++) this.#waitFor(line(k) + STATE, k);
  }

  #waitFor(state: number, worker: number): void {
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(this.#words, state) !== WORKING) return;
    const patience = new Patience(PATIENCE_MS);
    while (Atomics.load(this.#words, state) === WORKING) {
      if (patience.isOver()) throw new Error(`thread ${worker + 1} does not pause`);
      Atomics.wait(this.#words, state, WORKING, NAP_MS);
    }
  }

  /** Whether workers pause, since something changed. */
  get isHeld(): boolean {
    return this.#held;
  }

  /** Let them go on, and read anew what may have changed. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    Atomics.add(this.#words, EPOCH, 1);
    Atomics.notify(this.#words, EPOCH);
  }

  /** The workers have ended, or never will: nobody is waited for any more. */
  end(): void {
    this.release();
    this.#ended = true;
  }
}

/** A worker's side. */
export class Turnstile {
  readonly #words: Int32Array;
  readonly #state: number;
  readonly #refresh: () => void;
  #epoch = -1;

  /** @param refresh called inside, first of all and after each change that thread 0 made */
  constructor(control: SharedArrayBuffer, worker: number, refresh: () => void) {
    this.#words = new Int32Array(control);
    this.#state = line(worker) + STATE;
    this.#refresh = refresh;
  }

  enter(): void {
    for (;;) {
      Atomics.store(this.#words, this.#state, WORKING);
      const epoch = Atomics.load(this.#words, EPOCH);
      if (epoch === this.#epoch) return;
      if ((epoch & 1) === 0) {
        this.#epoch = epoch;
        return this.#refresh();
      }
      this.leave();
      Atomics.wait(this.#words, EPOCH, epoch, NAP_MS);
    }
  }

  leave(): void {
    this.#set(IDLE);
  }

  /** This worker is done for good. */
  gone(): void {
    this.#set(GONE);
  }

  #set(state: number): void {
    Atomics.store(this.#words, this.#state, state);
    if (state === GONE || (Atomics.load(this.#words, EPOCH) & 1) === 1) Atomics.notify(this.#words, this.#state);
  }

  /** Whether thread 0 waits: finish what is under way, then `leave` and `enter`. */
  get wanted(): boolean {
    return Atomics.load(this.#words, EPOCH) !== this.#epoch;
  }
}
