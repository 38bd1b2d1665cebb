/**
 * Joins two byte streams. The end of one direction is passed on and leaves the other open (half-close); an error of
 * one side resets the other, so that a cut transfer is never taken for a whole one.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface RelayReport {
  /** Bytes from near to far, and back. */
  readonly sent: number;
  readonly received: number;
  /** Undefined when both directions ended in order. */
  readonly error?: unknown;
}

/** Sends a reset where the stream can, else just goes. */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  if (!("resetAndDestroy" in stream && typeof stream.resetAndDestroy === "function")) return void stream.destroy();
  try {
    stream.resetAndDestroy();
  } catch {
    // TLS has the method and throws: there an end without a farewell tells as much.
    stream.destroy();
  }
}

/** How long a client that is told no may go on sending. */
const DISMISSED_MS = 500;

/**
 * Ends a connection after a last answer. What still comes is read and dropped for a moment: who closes with bytes unread sends a reset, and
 * on Windows a client that gets one loses the answer.
 */
export function dismiss(socket: Socket): void {
  const goes = setTimeout(() => socket.destroy(), DISMISSED_MS);
  socket.once("close", () => clearTimeout(goes));
  socket.end();
  socket.resume();
}

/**
 * @param activity called whenever bytes have passed
 * @returns once both streams are closed; never rejects
 */
export function relay(near: Duplex, far: Duplex, activity: () => void = () => {}): Promise<RelayReport> {
  return new Promise((resolve) => {
    let [sent, received, open] = [0, 0, 2];
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      reset(near);
      reset(far);
    };
    const pass = (from: Duplex, to: Duplex, count: (bytes: number) => void): void => {
      from.on("data", (chunk: Uint8Array) => {
        count(chunk.length);
        activity();
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => from.resume());
      if (from.readableEnded) to.end();
      else from.once("end", () => to.end());
      from.on("error", fail);
      const closed = (): void => {
        // Closed before its end was read or its last byte written: an abort, whoever made it.
        if (!from.readableEnded || !from.writableFinished) fail(failure ?? new Error("the connection was cut"));
        open -= 1;
        if (open === 0) resolve({ sent, received, ...(failure !== undefined && { error: failure }) });
      };
      if (from.closed) process.nextTick(closed);
      else from.once("close", closed);
      if (to.writableNeedDrain) from.pause();
      else from.resume();
    };
    // Not by `pipe`, which is made for streams that come and go: half of a short connection's time would be its listeners'.
    pass(near, far, (bytes) => {
      sent += bytes;
    });
    pass(far, near, (bytes) => {
      received += bytes;
    });
  });
}
