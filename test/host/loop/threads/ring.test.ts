// The queue between threads, first within one thread against a plain array, then between two.
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeRing, RingReader, RingWriter } from "../../../../host/loop/threads/ring.ts";

const CAPACITY = 256;

test("records come out as they went in, across the end of the memory; what does not fit is refused", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.nat(9), record: fc.uint8Array({ maxLength: 100 }) }),
    fc.constant("take" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = makeRing(CAPACITY);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const model: { kind: number; record: Uint8Array }[] = [];
      const room = new Uint8Array(CAPACITY);
      const size = (length: number) => 8 + ((length + 7) & ~7);
      for (const action of steps) {
        if (action === "take") {
          const wanted = model.shift();
          const taken = reader.take(room);
          expect(taken?.kind).toBe(wanted?.kind);
          expect(taken && room.slice(0, taken.length)).toEqual(wanted?.record);
        } else {
          const used = model.reduce((sum, { record }) => sum + size(record.length), 0);
          const fits = used + size(action.record.length) <= CAPACITY;
          expect(writer.push(action.kind, action.record)).toBe(fits);
          if (fits) model.push(action);
        }
        expect(reader.isEmpty).toBe(model.length === 0);
      }
    }),
  );
});

const RECORDS = 20_000;

test("nothing is lost, doubled or torn between two threads", { timeout: 20_000 }, async () => {
  const memory = makeRing(4096);
  const worker = new Worker(new URL("./ring-writer.ts", import.meta.url), { workerData: { memory, records: RECORDS } });
  const reader = new RingReader(memory);
  const room = new Uint8Array(4096);
  try {
    for (let next = 0; next < RECORDS; ) {
      const taken = reader.take(room);
      if (taken === undefined) {
        await new Promise(setImmediate);
        continue;
      }
      expect(taken).toEqual({ kind: next % 7, length: 4 + (next % 50) });
      expect(new DataView(room.buffer).getUint32(0, true)).toBe(next);
      expect(room.subarray(4, taken.length).every((byte) => byte === next % 256)).toBe(true);
      next++;
    }
  } finally {
    await worker.terminate();
  }
  expect(reader.isEmpty).toBe(true);
});
