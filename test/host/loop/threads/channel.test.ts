// When a worker wakes thread 0, and that no peer's name is lost.
import { expect, test } from "vitest";
import { ChannelReader, ChannelWriter, LETTER, makeChannel, REST_MS } from "../../../../host/loop/threads/channel.ts";

function channel() {
  const memory = makeChannel();
  const calls = { count: 0 };
  return { calls, writer: new ChannelWriter(memory, () => calls.count++), reader: new ChannelReader(memory) };
}

function names(reader: ChannelReader): number[] {
  const found: number[] = [];
  for (let slot = reader.nextPeer(); slot !== undefined; slot = reader.nextPeer()) found.push(slot);
  return found;
}

test("ordinary events wake thread 0 once in a while, urgent ones at once", () => {
  const { calls, writer, reader } = channel();
  writer.flush(1000);
  expect(calls.count).toBe(0);
  writer.name(3, "soon");
  writer.flush(1000);
  writer.name(4, "soon");
  writer.flush(1001);
  expect(calls.count).toBe(1);
  writer.flush(1000 + REST_MS);
  expect(calls.count).toBe(2);
  writer.name(5, "now");
  writer.flush(1001 + REST_MS);
  expect(calls.count).toBe(3);
  expect(names(reader)).toEqual([3, 4, 5]);
  expect(reader.isEmpty).toBe(true);
});

test("more names than there is room for wait for the next batch", () => {
  const { writer, reader } = channel();
  const slots = Array.from({ length: 10_000 }, (_, slot) => slot);
  for (const slot of slots) writer.name(slot, "soon");
  const found: number[] = [];
  let rounds = 0;
  // No further name, and no packet either: being behind is reason enough to flush again.
  while (writer.isBehind) {
    found.push(...names(reader));
    writer.flush(rounds++);
  }
  found.push(...names(reader));
  expect(found).toEqual(slots);
  expect(rounds).toBe(2);
});

test("letters come whole; a full box refuses more", () => {
  const { writer, reader } = channel();
  const packet = Uint8Array.from({ length: 65_546 }, (_, i) => i % 251);
  const room = new Uint8Array(packet.length);
  let sent = 0;
  while (writer.send(LETTER.packet, packet)) sent++;
  expect(sent).toBe(3);
  for (let i = 0; i < sent; i++) {
    expect(reader.nextLetter(room)).toEqual({ kind: LETTER.packet, length: packet.length });
    expect(Buffer.compare(room, packet)).toBe(0);
  }
  expect(reader.nextLetter(room)).toBeUndefined();
});
