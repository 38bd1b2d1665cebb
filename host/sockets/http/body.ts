/** Bodies between the runtime's streams and those of fetch. */
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const DECODERS: Record<string, (() => NodeJS.ReadWriteStream) | undefined> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Undo the content codings, the last one first. Unknown ones stay, as browsers leave them. */
export function decoded(stream: Readable, codings: string | undefined): Readable {
  let result: Readable = stream;
  for (const coding of (codings ?? "").toLowerCase().split(",").reverse()) {
    const make = Object.hasOwn(DECODERS, coding.trim()) ? DECODERS[coding.trim()] : undefined;
    if (make === undefined) break;
    const decoder = make() as unknown as Readable & NodeJS.WritableStream;
    const source = result;
    source.on("error", (error) => decoder.destroy(error));
    decoder.on("close", () => source.destroy());
    source.pipe(decoder);
    result = decoder;
  }
  return result;
}

/**
 * As fetch gives bodies. What nobody reads is not taken from the tunnel.
 * @param atEnd "destroy" the stream when all is read, or "keep" it: of a connection the other direction may go on
 */
export function webStream(stream: Readable, atEnd: "destroy" | "keep" = "destroy"): ReadableStream<Uint8Array> {
  const iterator = stream.iterator({ destroyOnReturn: atEnd === "destroy" });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(new Uint8Array(value));
        } catch (error) {
          controller.error(new TypeError("the body was cut off", { cause: error }));
        }
      },
      cancel() {
        stream.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
