// The other thread of ring.test.ts: numbered records of changing size.
import { workerData } from "node:worker_threads";
import { RingWriter } from "../../../../host/loop/threads/ring.ts";

const writer = new RingWriter(workerData.memory);
for (let next = 0; next < workerData.records; ) {
  const record = new Uint8Array(4 + (next % 50)).fill(next % 256);
  new DataView(record.buffer).setUint32(0, next, true);
  if (writer.push(next % 7, record)) next++;
}
