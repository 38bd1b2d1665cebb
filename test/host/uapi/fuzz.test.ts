/** Whatever a client sends, however it is cut: the session answers or closes, never throws, and keeps nothing. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { World } from "./support/connection.ts";
import { PRESHARED, PRIVATE } from "./support/keys.ts";
import { mutated, transcript } from "./support/transcripts.ts";

let world: World;
beforeAll(async () => {
  world = await World.create({ inputBytes: 1024, outputBytes: 1024 });
});

interface Outcome {
  readonly answers: string;
  readonly closedBeforeEnd: boolean;
  readonly events: readonly string[];
}

/** Deliver `bytes` cut at `cuts`, then EOF, to a new device. */
function deliver(bytes: Uint8Array, cuts: readonly number[]): Outcome {
  world.reset();
  const connection = world.connect();
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const place of places) {
    connection.send(bytes.subarray(from, place));
    from = place;
  }
  const closedBeforeEnd = connection.session.closed;
  connection.end();
  expect(connection.session.closed).toBe(true);
  return { answers: connection.answers, closedBeforeEnd, events: world.target.events };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe("a session under fire", () => {
  it("gives the same answers however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.oneof(transcript, mutated), cuts, (bytes, places) => {
        const whole = deliver(bytes, []);
        expect(deliver(bytes, places)).toEqual(whole);
        expect(
          deliver(
            bytes,
            Array.from({ length: bytes.length }, (_, i) => i),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it("answers or closes, and wipes both areas", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 3000 }).map(Buffer.from)), cuts, (bytes, places) => {
        const { answers } = deliver(bytes, places);
        expect(answers).toMatch(/^([a-z_]+=.*\n)*$|errno=-?\d+\n\n$/);
        expect(answers === "" || answers.endsWith("\n\n")).toBe(true);
        expect(world.faults).toEqual([]);
        expect(world.areasAreWiped()).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it("keeps no key after it is destroyed at any moment", () => {
    const keys = [PRIVATE, PRESHARED].map((key) => Buffer.from(key, "hex"));
    fc.assert(
      fc.property(mutated, cuts, fc.nat(), (bytes, places, stop) => {
        world.reset();
        const connection = world.connect();
        connection.send(bytes.subarray(0, stop % (bytes.length + 1)));
        for (const _ of places) connection.readPiece();
        connection.session.destroy();
        expect(world.areasAreWiped()).toBe(true);
        for (const key of keys) {
          expect(world.strayCopies(key)).toEqual([]);
          expect(world.strayCopies(Buffer.from(key.toString("hex")))).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("answers a valid transcript with one errno for each request up to the first error", () => {
    fc.assert(
      fc.property(transcript, (bytes) => {
        const { answers } = deliver(bytes, []);
        const codes = [...answers.matchAll(/^errno=(-?\d+)$/gm)].map(([, code]) => Number(code));
        const firstError = codes.findIndex((code) => code < 0);
        if (firstError >= 0) expect(firstError).toBe(codes.length - 1);
        for (const code of codes) expect([0, 22, -22, -71, -98]).toContain(code);
      }),
    );
  });
});
