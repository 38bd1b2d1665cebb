/**
 * Trains of all shapes, genuine messages and others in them, opened by one thread and by two: what is delivered, in which order, what is dropped
 * and why, and all that is kept is the same.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { RX_SLOTS } from "../../../host/core/codes.ts";
import { Helper } from "../../assembly/transport/helping/helper.ts";
import { drops, HOST_A, HOST_B, Pair, packet, state } from "../../host/engine/support/pair.ts";
import type { Arrival } from "../../support/ports.ts";
import type { Target } from "../target.ts";

const NAME = "trains";
const TRAIN_BYTES_MAX = 65_507;

interface Change {
  /** Which message, and which byte of it, modulo what there is. */
  readonly message: number;
  readonly at: number;
  /** 0: the message is the one before it once more. */
  readonly flip: number;
}

interface Train {
  /** Bytes of each packet. */
  readonly length: number;
  readonly count: number;
  readonly changes: readonly Change[];
  /** Bytes that the last message lacks. */
  readonly cut: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  message: fc.nat(63),
  // The header more often than not.
  at: fc.oneof(fc.nat(15), fc.nat(1500)),
  flip: fc.nat(255),
});
const train: fc.Arbitrary<Train> = fc.record({
  length: fc.oneof(fc.constantFrom(20, 21, 32, 576, 1280, 1420), fc.integer({ min: 20, max: 1500 })),
  count: fc.integer({ min: 1, max: 64 }),
  changes: fc.array(change, { maxLength: 4 }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 40 })),
});

/** Have one end seal the packets of a train, and change what is to be changed. */
function made({ a }: Pair, { length, count, changes, cut }: Train): Arrival {
  for (let i = 0; i < count; i++) a.send(packet(HOST_A, HOST_B, length, i));
  const messages = a.sent.splice(0).map(({ bytes }) => bytes);
  for (const { message, at, flip } of changes) {
    const which = message % messages.length;
    const bytes = messages[which]!;
    if (flip === 0) bytes.set(messages[Math.max(0, which - 1)]!);
    else bytes[at % bytes.length]! ^= flip;
  }
  const segment = messages[0]!.length;
  const fitting = messages.slice(0, Math.floor(TRAIN_BYTES_MAX / segment));
  const bytes = Uint8Array.from(Buffer.concat(fitting));
  return { bytes: bytes.subarray(0, bytes.length - Math.min(cut, segment - 1)), segment, from: a.address };
}

/** What came of it. */
function outcome(pair: Pair, input: readonly Train[]): unknown {
  const arrivals = input.map((one) => made(pair, one));
  pair.b.receiveTogether(arrivals);
  pair.a.sent.splice(0);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
  const delivered = pair.b.delivered.splice(0).map(text);
  const answers = pair.b.sent.splice(0).map(({ bytes }) => text(bytes));
  return { delivered, answers, drops: drops(pair.b), state: state(pair.b) };
}

async function prepare(): Promise<{ alone: Pair; together: Pair; helper: Helper }> {
  const alone = (await Pair.create(NAME, "shared")).connect();
  alone.b.engine.core.exports.share();
  const together = (await Pair.create(NAME, "shared")).connect();
  const helper = await Helper.start(together.b, "well");
  helper.pause();
  return { alone, together, helper };
}

export const trains: Target = {
  name: "trains",
  about: "trains of transport messages, opened by several threads",
  async open() {
    let { alone, together, helper } = await prepare();
    let sound = true;
    return fc.asyncProperty(fc.array(train, { minLength: 1, maxLength: RX_SLOTS }), async (input) => {
      // What a failure left behind must not fail its smaller inputs.
      if (!sound) {
        await helper.stop();
        ({ alone, together, helper } = await prepare());
      }
      sound = false;
      helper.resume();
      const got = outcome(together, input);
      helper.pause();
      expect(got).toEqual(outcome(alone, input));
      sound = true;
    });
  },
};
