/**
 * Valid inputs with a few changes, which get past the first checks where random bytes do not. A change is a value of its own, so that
 * what is left of a failing input after shrinking is the change that matters.
 */
import fc from "fast-check";
import { concat } from "../reference/packets.ts";

/** Numbers that lengths and counts go wrong at. */
const EDGES = [0, 1, 2, 4, 7, 8, 0x1f, 0x20, 0x7f, 0x80, 0xfe, 0xff];

interface Change {
  readonly kind: "set" | "flip" | "word" | "insert" | "remove" | "repeat" | "cut";
  readonly at: number;
  readonly value: number;
}

const byte = fc.oneof(fc.constantFrom(...EDGES), fc.nat(255));
/** Most are near the front, where the headers are. */
const place = fc.oneof({ weight: 3, arbitrary: fc.nat(63) }, { weight: 1, arbitrary: fc.nat(0xffff) });
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("set", "set", "set", "flip", "flip", "word", "insert", "remove", "repeat", "cut"),
  at: place,
  value: byte,
});

function changed(bytes: Uint8Array, { kind, at, value }: Change): Uint8Array {
  const where = at % (bytes.length + 1);
  const [head, tail] = [bytes.subarray(0, where), bytes.subarray(where)];
  const after = (length: number) => tail.subarray(Math.min(length, tail.length));
  switch (kind) {
    case "set":
      return concat(head, Uint8Array.of(value).subarray(0, tail.length), after(1));
    case "flip":
      return concat(head, Uint8Array.of((tail[0] ?? 0) ^ (1 << (value & 7))).subarray(0, tail.length), after(1));
    case "word":
      return concat(head, Uint8Array.of(value, value).subarray(0, tail.length), after(2));
    case "insert":
      return concat(head, Uint8Array.of(value), tail);
    case "remove":
      return concat(head, after(value & 15));
    case "repeat":
      return concat(head, tail.subarray(0, value), tail);
    case "cut":
      return Uint8Array.from(head);
  }
}

/** One of `valid`, changed in up to `most` places; some are left as they are. */
export function mutated(valid: readonly Uint8Array[], most = 4): fc.Arbitrary<Uint8Array> {
  return mutationOf(fc.constantFrom(...valid), most);
}

export function mutationOf(valid: fc.Arbitrary<Uint8Array>, most = 4): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(valid, fc.array(change, { maxLength: most }))
    .map(([bytes, changes]) => changes.reduce(changed, Uint8Array.from(bytes)));
}

/** Mutations, and now and then bytes at random. */
export function hostile(valid: readonly Uint8Array[], maxLength = 200): fc.Arbitrary<Uint8Array> {
  return fc.oneof({ weight: 9, arbitrary: mutated(valid) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength }) });
}
