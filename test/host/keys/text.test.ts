/** Key texts against Buffer's own codecs, and that nothing but a key is taken for one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyFromBase64, keyFromHex, keyToBase64, keyToHex } from "../../../host/keys/text.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

describe("key texts", () => {
  it("agree with Buffer for every key, both ways", () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const base64 = Buffer.from(bytes).toString("base64");
        expect(Buffer.from(keyToBase64(bytes)).toString("latin1")).toBe(base64);
        expect(keyFromBase64(latin1(base64))).toEqual(bytes);
        const hex = Buffer.alloc(66);
        keyToHex(hex, 1, bytes);
        expect(hex.toString("latin1")).toBe(`\0${Buffer.from(bytes).toString("hex")}\0`);
        expect(keyFromHex(hex, 1)).toEqual(bytes);
        expect(keyFromHex(latin1(hex.toString("latin1").toUpperCase()), 1)).toEqual(bytes);
      }),
    );
  });

  it("take exactly the alphabets' characters", () => {
    for (let char = 0; char < 256; char++) {
      const letter = String.fromCharCode(char);
      const base64 = latin1(`${"A".repeat(5)}${letter}${"A".repeat(37)}=`);
      expect(keyFromBase64(base64) !== undefined, `base64 ${char}`).toBe(/[A-Za-z0-9+/]/.test(letter));
      const hex = latin1(`${"0".repeat(7)}${letter}${"0".repeat(56)}`);
      expect(keyFromHex(hex, 0) !== undefined, `hex ${char}`).toBe(/[0-9a-fA-F]/.test(letter));
    }
  });

  it("refuse other lengths, missing padding and left-over bits", () => {
    for (const text of ["", "AAAA", "A".repeat(44), `${"A".repeat(42)}B=`, `${"A".repeat(42)}==`, "A".repeat(43)]) {
      expect(keyFromBase64(latin1(text)), text).toBeUndefined();
    }
    expect(keyFromHex(latin1("0".repeat(63)), 0)).toBeUndefined();
  });

  it("take any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 44, maxLength: 64 }), (bytes) => {
        keyFromBase64(bytes.subarray(0, 44));
        keyFromHex(bytes, 0);
      }),
    );
  });
});
