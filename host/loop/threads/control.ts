/**
 * The words that thread 0 and its workers share beside linear memory. One SharedArrayBuffer of i32 words: a line of
 * 16 (one cache line) for all, then one for each worker, so that threads which only work never meet.
 */

const LINE = 16;

/** In the first line, which is thread 0's too. */
export const EPOCH = 0; // even: work; odd: pause; each change of shared structures moves it on by two
export const STOP = 1; // 1: end

/** In a worker's line. */
export const STATE = 0; // IDLE, WORKING or GONE
export const SOCKET_4 = 1; // its UDP descriptors, −1 for none
export const SOCKET_6 = 2;
export const CLOCK_SET = 3; // 1: CLOCK is written
export const CLOCK = 4; // f64: what thread 0's clock said at that moment
export const CALLABLE = 6; // 1: it sleeps, and would help; who calls it makes that 0

export const IDLE = 0;
export const WORKING = 1;
export const GONE = 2;

export function makeControl(workers: number): SharedArrayBuffer {
  const words = new Int32Array(new SharedArrayBuffer(4 * LINE * (1 + workers)));
  for (let k = 0; k < workers; k++) {
    words[line(k) + SOCKET_4] = -1;
    words[line(k) + SOCKET_6] = -1;
  }
  return words.buffer;
}

/** First word of worker `index`, counted from 0; of thread 0 for −1. */
export function line(index: number): number {
  return LINE * (1 + index);
}
