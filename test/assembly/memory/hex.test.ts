import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type HexModule, loadHexModule } from "../../host/uapi/support/hex-module.ts";

const SRC = 1027;
const DST = 5003;
let hex: HexModule;
let bytes: Uint8Array;

beforeAll(async () => {
  const module = await loadHexModule(1);
  hex = module.hex;
  bytes = new Uint8Array(module.memory.buffer);
});

function put(text: string): void {
  bytes.set(Buffer.from(text, "latin1"), SRC);
}

describe("hex in linear memory", () => {
  it("decodes what it encoded, in either case, at any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (data, upper) => {
        bytes.fill(0xee);
        bytes.set(data, SRC);
        hex.hexEncode(DST, SRC, data.length);
        const text = Buffer.from(bytes.subarray(DST, DST + 2 * data.length)).toString("latin1");
        expect(text).toBe(Buffer.from(data).toString("hex"));
        expect(bytes[DST + 2 * data.length]).toBe(0xee);
        put(upper ? text.toUpperCase() : text);
        expect(hex.hexDecode(DST, SRC, data.length)).toBe(1);
        expect(bytes.subarray(DST, DST + data.length)).toEqual(data);
      }),
    );
  });

  it("decodes in place", () => {
    const data = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
    put(Buffer.from(data).toString("hex"));
    expect(hex.hexDecode(SRC, SRC, 32)).toBe(1);
    expect(bytes.subarray(SRC, SRC + 32)).toEqual(data);
  });

  it("refuses every other byte at every place and leaves zeros", () => {
    const valid = new Set(Buffer.from("0123456789abcdefABCDEF"));
    for (let place = 0; place < 8; place++) {
      for (let char = 0; char < 256; char++) {
        put("a1B2c3D4");
        bytes[SRC + place] = char;
        bytes.fill(0xee, DST, DST + 4);
        expect(hex.hexDecode(DST, SRC, 4), `byte ${char} at ${place}`).toBe(valid.has(char) ? 1 : 0);
        if (!valid.has(char)) expect([...bytes.subarray(DST, DST + 5)]).toEqual([0, 0, 0, 0, bytes[DST + 4]]);
      }
    }
  });
});
