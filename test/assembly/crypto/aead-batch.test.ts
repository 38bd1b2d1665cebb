// The calls that a batch of messages is made of: tags that come one call later, forgeries among genuine messages.
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noise, same } from "../../support/bytes.ts";
import { cipherModules } from "../../support/crypto-module.ts";

const TAG_BYTES = 16;
const key = noise(32, 1);
/** 0 to 1500, each length near which something changes: blocks, the head, chunks, what is decrypted late. */
const LENGTHS = Array.from({ length: 1501 }, (_, length) => length).filter((length) =>
  [16, 64, 192, 256].some((unit) => [0, 1, 2, unit - 2, unit - 1].includes(length % unit)),
);

/** Ciphertext and tag by OpenSSL, the nonce four zero bytes and the counter. */
function sealByOpenssl(plaintext: Uint8Array, counter: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  return Uint8Array.from(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

describe.each(cipherModules)("a batch of ChaCha20-Poly1305 messages ($name)", (module) => {
  const { aeadBegin, aeadEnd, aeadOpenNext, aeadSealNext } = module.exports;
  const begin = () => {
    module.reset();
    aeadBegin(module.put(key, 1));
  };

  it("takes four zero bytes and the little-endian counter as nonce", () => {
    begin();
    const counters = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n];
    for (const [i, counter] of counters.entries()) {
      const plaintext = noise(i * 333, i);
      const at = module.place(plaintext.length + TAG_BYTES, i);
      module.memory.set(plaintext, at);
      aeadSealNext(at, at, plaintext.length, counter);
      // A call for another message has the tag written, here that for a message whose tag is wrong.
      const other = module.put(new Uint8Array(TAG_BYTES));
      expect(Boolean(aeadOpenNext(other, other, 0, counter))).toBe(false);
      const expected = sealByOpenssl(plaintext, counter);
      expect(module.read(at, expected.length)).toEqual(expected);
      expect(Boolean(aeadOpenNext(at, at, plaintext.length, counter ^ 1n))).toBe(false);
      expect(Boolean(aeadOpenNext(at, at, plaintext.length, counter))).toBe(true);
      expect(module.read(at, plaintext.length)).toEqual(plaintext);
    }
    aeadEnd();
    expect(module.scratchIsWiped()).toBe(true);
  });

  it("writes the ciphertext at once and the tag with the next call, whatever the lengths of both", () => {
    for (const order of [LENGTHS, LENGTHS.toReversed()]) {
      begin();
      let before: { at: number; expected: Uint8Array } | undefined;
      for (const [i, length] of order.entries()) {
        const plaintext = noise(length, i);
        const expected = sealByOpenssl(plaintext, BigInt(i));
        const at = module.place(length + TAG_BYTES, i % 16);
        module.memory.set(plaintext, at);
        aeadSealNext(at, at, length, BigInt(i));
        expect(same(module.read(at, length), expected.subarray(0, length)), `ciphertext, ${length} bytes`).toBe(true);
        if (before !== undefined) {
          expect(same(module.read(before.at, before.expected.length), before.expected), `before ${length}`).toBe(true);
          expect(module.guarded(before.at, before.expected.length)).toBe(true);
        }
        before = { at, expected };
      }
      aeadEnd();
      expect(same(module.read(before!.at, before!.expected.length), before!.expected)).toBe(true);
      expect(module.scratchIsWiped()).toBe(true);
    }
  });

  it.each([0, 15, 64, 192, 203, 448, 1420])("makes the tag of what was sealed, if %i bytes are moved on", (length) => {
    begin();
    const area = module.place(length + TAG_BYTES);
    const plaintexts = [noise(length, 1), noise(length, 2), noise(length, 3)];
    for (const [i, plaintext] of plaintexts.entries()) {
      module.memory.set(plaintext, area); // over the message before, whose tag is outstanding
      aeadSealNext(area, area, length, BigInt(i));
      const tag = module.read(area + length, TAG_BYTES);
      if (i > 0) expect(tag).toEqual(sealByOpenssl(plaintexts[i - 1]!, BigInt(i - 1)).subarray(length));
    }
    aeadEnd();
    expect(module.read(area, length + TAG_BYTES)).toEqual(sealByOpenssl(plaintexts[2]!, 2n));
    expect(module.scratchIsWiped()).toBe(true);
  });

  const lengths = fc.array(fc.oneof(fc.constantFrom(...LENGTHS), fc.nat(5000)), { minLength: 1, maxLength: 5 });
  it("seals and opens one to five messages that lie side by side, a forged one among them", () => {
    fc.assert(
      fc.property(lengths, fc.nat(), fc.nat(), fc.nat(15), (sizes, forgedMessage, forgedByte, shift) => {
        begin();
        const total = sizes.reduce((sum, length) => sum + length + TAG_BYTES, 0);
        const area = module.place(total, shift);
        let end = area;
        const messages = sizes.map((length, i) => {
          const at = end;
          end += length + TAG_BYTES;
          return { at, plaintext: noise(length, i), counter: BigInt(i) << 30n };
        });
        for (const { at, plaintext, counter } of messages) {
          module.memory.set(plaintext, at);
          aeadSealNext(at, at, plaintext.length, counter);
        }
        aeadEnd();
        expect(module.scratchIsWiped()).toBe(true);
        for (const { at, plaintext, counter } of messages) {
          const expected = sealByOpenssl(plaintext, counter);
          expect(same(module.read(at, expected.length), expected)).toBe(true);
        }

        const forged = messages[forgedMessage % messages.length]!;
        module.memory[forged.at + (forgedByte % (forged.plaintext.length + TAG_BYTES))]! ^= 4;
        const arrived = module.read(forged.at, forged.plaintext.length + TAG_BYTES);
        aeadBegin(module.put(key));
        for (const { at, plaintext, counter } of messages) {
          const isForged = at === forged.at;
          expect(Boolean(aeadOpenNext(at, at, plaintext.length, counter))).toBe(!isForged);
          if (isForged) expect(same(module.read(at, arrived.length), arrived)).toBe(true);
          else expect(same(module.read(at, plaintext.length), plaintext)).toBe(true);
        }
        aeadEnd();
        expect(module.guarded(area, total)).toBe(true);
        expect(module.scratchIsWiped()).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("leaves no plaintext of a forged message behind when it was to go elsewhere", () => {
    for (const length of [0, 1, 64, 192, 448, 703, 704, 705, 960, 1420]) {
      begin();
      const src = module.put(noise(length + TAG_BYTES, 7));
      const dst = module.place(length);
      expect(Boolean(aeadOpenNext(dst, src, length, 1n))).toBe(false);
      aeadEnd();
      expect(module.read(dst, length)).toEqual(new Uint8Array(length));
      expect(module.guarded(dst, length)).toBe(true);
    }
  });
});
