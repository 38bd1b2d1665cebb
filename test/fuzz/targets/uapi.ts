/** Clients of the UAPI socket: answered or closed, the same however their bytes are cut, and no key is left in the areas. */
import fc from "fast-check";
import { expect } from "vitest";
import { World } from "../../host/uapi/support/connection.ts";
import { PRESHARED, PRIVATE } from "../../host/uapi/support/keys.ts";
import { mutated, transcript } from "../../host/uapi/support/transcripts.ts";
import type { Target } from "../target.ts";

const bytes = fc.oneof(
  { weight: 3, arbitrary: transcript },
  { weight: 6, arbitrary: mutated },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3000 }).map((array) => Buffer.from(array)) },
);
const KEYS = [PRIVATE, PRESHARED].flatMap((key) => [Buffer.from(key, "hex"), Buffer.from(key)]);

export const uapi: Target = {
  name: "uapi",
  about: "what clients say on the UAPI socket",
  async open() {
    const world = await World.create({ inputBytes: 1024, outputBytes: 1024 });
    function deliver(all: Uint8Array, cuts: readonly number[]): string {
      world.reset();
      const connection = world.connect();
      let from = 0;
      for (const cut of [...cuts.map((at) => at % (all.length + 1)), all.length].sort((a, b) => a - b)) {
        connection.send(all.subarray(from, cut));
        from = cut;
      }
      connection.end();
      expect(connection.session.closed).toBe(true);
      expect(world.faults).toEqual([]);
      expect(world.areasAreWiped()).toBe(true);
      for (const key of KEYS) expect(world.strayCopies(key)).toEqual([]);
      return connection.answers;
    }
    return fc.property(bytes, fc.array(fc.nat(), { maxLength: 12 }), (all, cuts) => {
      const whole = deliver(all, []);
      expect(whole === "" || whole.endsWith("\n\n")).toBe(true);
      expect(deliver(all, cuts)).toBe(whole);
    });
  },
};
