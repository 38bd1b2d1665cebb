// BLAKE2s in all builds: RFC 7693's vectors, then noble and OpenSSL on every length from 0 to 2048.
import { createHash, randomBytes } from "node:crypto";
import { blake2s as noble } from "@noble/hashes/blake2.js";
import { beforeEach, describe, expect, test } from "vitest";
import vectors from "../../vectors/blake2s.json" with { type: "json" };
import { hashModules } from "./hash/modules.ts";

const LENGTH_MAX = 2048;
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
const count = (length: number) => Uint8Array.from({ length }, (_, i) => i);
const NONE = new Uint8Array(0);

interface Options {
  outLength?: number;
  key?: Uint8Array;
  salt?: Uint8Array;
  personalization?: Uint8Array;
}

/** The sequence that RFC 7693 appendix E hashes. */
function selfTestSequence(length: number, seed: number): Uint8Array {
  let a = Math.imul(0xdead4bad, seed);
  let b = 1;
  return Uint8Array.from({ length }, () => {
    const next = (a + b) | 0;
    a = b;
    b = next;
    return next >>> 24;
  });
}

describe.each(hashModules)("BLAKE2s, $name build", (module) => {
  const { exports } = module;
  const stateBytes = exports.BLAKE2S_BYTES.value as unknown as number;
  beforeEach(() => module.reset());

  function oneCall(message: Uint8Array, { outLength = 32, key = NONE }: Options = {}, offset = 0): string {
    module.reset();
    const src = module.put(message, offset);
    const keyAt = module.put(key, (offset * 3) % 16);
    const out = module.place(outLength, (offset * 5) % 16);
    exports.blake2s(out, outLength, src, message.length, keyAt, key.length);
    expect(module.guarded(out, outLength)).toBe(true);
    return hex(module.read(out, outLength));
  }

  function begin({ outLength = 32, key = NONE, salt, personalization }: Options = {}, offset = 0): number {
    const state = module.place(stateBytes, offset);
    const saltAt = salt ? module.put(salt, 3) : 0;
    const personalizationAt = personalization ? module.put(personalization, 9) : 0;
    exports.blake2sInit(state, outLength, module.put(key, 1), key.length, saltAt, personalizationAt);
    return state;
  }

  /** Hash the message in pieces of the given sizes, over and over. */
  function streamed(message: Uint8Array, pieces: number[], options: Options = {}, offset = 0): string {
    module.reset();
    const src = module.put(message, offset);
    const state = begin(options, offset);
    for (let at = 0, i = 0; at < message.length; i++) {
      const piece = Math.min(pieces[i % pieces.length]!, message.length - at);
      exports.blake2sUpdate(state, src + at, piece);
      at += piece;
    }
    const outLength = options.outLength ?? 32;
    const out = module.place(outLength, offset);
    exports.blake2sFinal(state, out);
    expect(module.guarded(out, outLength) && module.guarded(state, stateBytes)).toBe(true);
    expect(hex(module.read(state, stateBytes))).toBe("00".repeat(stateBytes));
    return hex(module.read(out, outLength));
  }

  test.each(vectors.plain)("RFC 7693 and reference: '$text'", ({ text, hash }) => {
    expect(oneCall(Buffer.from(text))).toBe(hash);
    expect(streamed(Buffer.from(text), [1])).toBe(hash);
  });

  test.each(vectors.keyed)("reference: keyed, $length bytes", ({ length, hash }) => {
    expect(oneCall(count(length), { key: count(32) })).toBe(hash);
    expect(streamed(count(length), [7], { key: count(32) })).toBe(hash);
  });

  test("RFC 7693 appendix E: the self-test hash", () => {
    const { outLengths, lengths, hash } = vectors.selfTest;
    const results: string[] = [];
    for (const outLength of outLengths) {
      for (const length of lengths) {
        const message = selfTestSequence(length, length);
        results.push(oneCall(message, { outLength }));
        results.push(oneCall(message, { outLength, key: selfTestSequence(outLength, outLength) }));
      }
    }
    expect(oneCall(Buffer.from(results.join(""), "hex"))).toBe(hash);
  });

  test("agrees with noble and OpenSSL on every length, plain and keyed, at every alignment", () => {
    const all = randomBytes(LENGTH_MAX);
    for (let length = 0; length <= LENGTH_MAX; length++) {
      const message = all.subarray(0, length);
      const key = randomBytes(1 + (length % 32));
      const outLength = 1 + (length % 32);
      expect(oneCall(message, {}, length % 16)).toBe(createHash("blake2s256").update(message).digest("hex"));
      expect(oneCall(message, { key, outLength }, (length * 11) % 16)).toBe(
        hex(noble(message, { key, dkLen: outLength })),
      );
    }
  });

  test("agrees with OpenSSL on a large message", () => {
    const message = randomBytes(300_001);
    expect(oneCall(message, {}, 1)).toBe(createHash("blake2s256").update(message).digest("hex"));
    expect(streamed(message, [4096, 1, 63], {}, 1)).toBe(createHash("blake2s256").update(message).digest("hex"));
  });

  test("streamed in pieces of any size, it gives the hash of the whole", () => {
    const all = randomBytes(700);
    for (let length = 0; length <= all.length; length += 1 + (length % 3)) {
      const message = all.subarray(0, length);
      const key = randomBytes(length % 33);
      const expected = hex(noble(message, key.length > 0 ? { key } : {}));
      const pieces = Array.from(randomBytes(5), (byte) => byte % 150);
      expect(streamed(message, [...pieces, 1 + (length % 130)], { key }, length % 16)).toBe(expected);
    }
  });

  test.each([63, 64, 65, 127, 128, 129])("streamed in pieces of %i bytes", (piece) => {
    const message = randomBytes(4 * piece);
    expect(streamed(message, [piece])).toBe(hex(noble(message)));
    expect(streamed(message, [piece], { key: count(5) })).toBe(hex(noble(message, { key: count(5) })));
  });

  test("takes a salt and a personalisation", () => {
    const message = randomBytes(100);
    const salt = randomBytes(8);
    const personalization = randomBytes(8);
    const key = randomBytes(20);
    for (const options of [{ salt }, { personalization }, { salt, personalization }, { salt, personalization, key }]) {
      expect(streamed(message, [30], options)).toBe(hex(noble(message, options)));
    }
  });

  test("a copy of a streaming state goes its own way", () => {
    const state = begin();
    const head = module.put(count(100));
    exports.blake2sUpdate(state, head, 100);
    const clone = module.put(module.read(state, stateBytes), 7);
    exports.blake2sUpdate(clone, head, 3);
    const out = module.place(32);
    exports.blake2sFinal(clone, out);
    expect(hex(module.read(out, 32))).toBe(hex(noble(new Uint8Array([...count(100), 0, 1, 2]))));
    exports.blake2sFinal(state, out);
    expect(hex(module.read(out, 32))).toBe(hex(noble(count(100))));
  });

  test("the hash may take the place of the message or of the key", () => {
    const message = randomBytes(150);
    const key = randomBytes(32);
    const src = module.put(message);
    const keyAt = module.put(key);
    exports.blake2s(keyAt, 32, src, 150, keyAt, 32);
    expect(hex(module.read(keyAt, 32))).toBe(hex(noble(message, { key })));
    exports.blake2s(src + 10, 32, src, 150, 0, 0);
    expect(hex(module.read(src + 10, 32))).toBe(hex(noble(message)));
  });

  test("reads nothing behind the end of memory", () => {
    const end = module.memory.length;
    for (let length = 0; length <= 130; length++) {
      const message = module.read(end - length, length);
      const out = module.place(32);
      exports.blake2s(out, 32, end - length, length, end - (length % 33), length % 33);
      const key = message.slice(length - (length % 33));
      expect(hex(module.read(out, 32))).toBe(hex(noble(message, key.length > 0 ? { key } : {})));
    }
  });

  test("leaves the scratch memory wiped", () => {
    for (const length of [0, 1, 32, 63, 64, 65, 200]) {
      oneCall(randomBytes(length), { key: randomBytes(32) });
      expect(module.scratchIsWiped()).toBe(true);
      oneCall(randomBytes(length));
      expect(module.scratchIsWiped()).toBe(true);
    }
  });
});
