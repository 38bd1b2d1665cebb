/** Takes a given number of bytes from a stream and leaves the rest in it, for protocols whose messages tell their own length. */
import type { Duplex } from "node:stream";

export class StreamEndedError extends Error {
  override readonly name = "StreamEndedError";
  constructor() {
    super("the stream ended in the middle of a message");
  }
}

/** @returns just `length` bytes, 1 or more. @throws StreamEndedError, or the stream's own error */
export function readExactly(stream: Duplex, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      stream.off("readable", attempt).off("end", ended).off("close", ended).off("error", failed);
    };
    const failed = (error: unknown): void => {
      stop();
      reject(error);
    };
    const ended = (): void => failed(new StreamEndedError());
    const attempt = (): void => {
      const bytes: Uint8Array | null = stream.read(length);
      if (bytes === null) return;
      // At its end a stream hands out what is left, even if that is less.
      if (bytes.length < length) return ended();
      stop();
      resolve(bytes);
    };
    if (stream.destroyed || stream.readableEnded) return ended();
    // Clients say much at once: what is there already needs no listeners, which take longer than all else here.
    const there: Uint8Array | null = stream.read(length);
    if (there !== null) return there.length === length ? resolve(there) : ended();
    stream.on("readable", attempt).on("end", ended).on("close", ended).on("error", failed);
  });
}
