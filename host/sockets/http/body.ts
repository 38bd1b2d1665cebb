/** Bodies between the runtime's streams and those of fetch. */
import type { ClientHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const DECODERS: Record<string, (() => NodeJS.ReadWriteStream) | undefined> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

/** Each costs memory; a server could name thousands. */
const CODINGS_MAX = 5;

/** To its end, and the end its server meant: Node ends a stream of HTTP/2 also when the server resets it or its connection goes. */
function isWhole(stream: Readable): boolean {
  const { rstCode = 0 } = stream as Partial<ClientHttp2Stream>;
  return stream.readableEnded && rstCode === 0;
}

/** Undo the content codings, the last one first. Unknown ones stay, as browsers leave them. @throws TypeError for more than anybody uses */
export function decoded(stream: Readable, codings: string | undefined): Readable {
  let result: Readable = stream;
  const list = (codings ?? "").toLowerCase().split(",");
  if (list.length > CODINGS_MAX) throw new TypeError(`more than ${CODINGS_MAX} content codings`);
  for (const coding of list.reverse()) {
    const make = Object.hasOwn(DECODERS, coding.trim()) ? DECODERS[coding.trim()] : undefined;
    if (make === undefined) break;
    const decoder = make() as unknown as Readable & NodeJS.WritableStream;
    const source = result;
    source.on("error", (error) => decoder.destroy(error));
    // A stream of HTTP/2 that its server cancels tells no error. What was whole at its end stays so, whatever becomes of its session.
    const judge = (): void => {
      source.off("end", judge).off("close", judge);
      if (!isWhole(source)) decoder.destroy(source.errored ?? undefined);
    };
    if (source.destroyed) judge();
    else source.once("end", judge).once("close", judge);
    decoder.on("close", () => source.destroy());
    source.pipe(decoder);
    result = decoder;
  }
  return result;
}

/**
 * The other way. Not by the stream's iterator: to destroy that waits for a chunk that is asked for, and whoever makes the chunks may wait to
 * be cancelled.
 */
export function nodeStream(web: ReadableStream<Uint8Array>): Readable {
  const reader = web.getReader();
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => void this.push(done ? null : value),
        (error) => void this.destroy(error),
      );
    },
    destroy(error, done) {
      const over = (): void => done(error);
      reader.cancel(error).then(over, over);
    },
  });
}

/** A body that nobody wants is read, so that its connection can be used again, but not for ever. */
const UNWANTED_BYTES_MAX = 64 * 1024;
const UNWANTED_MS_MAX = 5_000;

export function discard(body: Readable): void {
  let left = UNWANTED_BYTES_MAX;
  const timer = setTimeout(() => body.destroy(), UNWANTED_MS_MAX);
  timer.unref?.();
  body.on("data", (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) body.destroy();
  });
  body.on("error", () => {});
  body.once("close", () => clearTimeout(timer));
}

/**
 * As fetch gives bodies. What nobody reads is not taken from the tunnel. A stream that is read to its end is left alone: of a connection
 * the other direction may go on, or serve another request.
 */
export function webStream(stream: Readable): ReadableStream<Uint8Array> {
  let open = true;
  const cut = (cause?: unknown): TypeError => new TypeError("the body was cut off", { cause });
  return new ReadableStream<Uint8Array>(
    {
      // By events: Bun's iterator takes a stream of HTTP/2 for cut that has all its bytes, and Deno's ends the connection with the body.
      start(controller) {
        const over = (tell: () => void): void => {
          if (open) tell();
          open = false;
        };
        stream.on("data", (chunk: Uint8Array) => {
          if (open) controller.enqueue(new Uint8Array(chunk));
          stream.pause();
        });
        stream.once("end", () => over(() => (isWhole(stream) ? controller.close() : controller.error(cut()))));
        stream.on("error", (error) => over(() => controller.error(cut(error))));
        stream.once("close", () => over(() => controller.error(cut())));
        stream.pause();
        if (!stream.destroyed) return;
        // Of HTTP/2 a body without a byte has ended before anybody asks for it.
        if (isWhole(stream)) over(() => controller.close());
        else over(() => controller.error(cut(stream.errored ?? undefined)));
      },
      pull() {
        stream.resume();
      },
      cancel() {
        open = false;
        stream.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
