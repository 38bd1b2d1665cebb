import { describe, expect, it } from "vitest";
import * as reference from "../../reference/chacha20.ts";
import { hex, noise, same } from "../../support/bytes.ts";
import { type CipherModule, cipherModules } from "../../support/crypto-module.ts";
import rfc8439 from "../../vectors/rfc8439.json" with { type: "json" };
import xchacha from "../../vectors/xchacha.json" with { type: "json" };

type Stream = "chacha20" | "xchacha20";

/** Run a stream over a message at a given alignment; fails when a byte outside is touched. */
function run(
  module: CipherModule,
  stream: Stream,
  { key, nonce, counter }: { key: Uint8Array; nonce: Uint8Array; counter: number },
  message: Uint8Array,
  { offset = 0, place = "apart" as "apart" | "in place" } = {},
): Uint8Array {
  module.reset();
  const src = module.put(message, offset);
  const dst = place === "in place" ? src : module.place(message.length, 15 - offset);
  module.exports[stream](dst, src, message.length, module.put(key), module.put(nonce), counter);
  expect(module.guarded(dst, message.length)).toBe(true);
  expect(module.guarded(src, message.length)).toBe(true);
  return module.read(dst, message.length);
}

describe.each(cipherModules)("ChaCha20 ($name)", (module) => {
  it.each(rfc8439.chacha20)("gives the ciphertext of RFC 8439 $name", (vector) => {
    const parameters = { key: hex(vector.key), nonce: hex(vector.nonce), counter: vector.counter };
    expect(run(module, "chacha20", parameters, hex(vector.plaintext))).toEqual(hex(vector.ciphertext));
  });

  it.each(rfc8439.poly1305KeyGeneration)("makes the Poly1305 key of RFC 8439 $name", (vector) => {
    const parameters = { key: hex(vector.key), nonce: hex(vector.nonce), counter: 0 };
    expect(run(module, "chacha20", parameters, new Uint8Array(32))).toEqual(hex(vector.poly1305Key));
  });

  it("agrees with the plain reference at every length and alignment, apart and in place", () => {
    const parameters = { key: noise(32, 1), nonce: noise(12, 2), counter: 5 };
    const message = noise(800, 3);
    const expected = reference.chacha20(parameters.key, parameters.nonce, parameters.counter, message);
    for (let length = 0; length <= message.length; length++) {
      const offset = length % 16;
      for (const place of ["apart", "in place"] as const) {
        const out = run(module, "chacha20", parameters, message.subarray(0, length), { offset, place });
        expect(same(out, expected.subarray(0, length)), `${length} bytes ${place}`).toBe(true);
      }
    }
  });

  it("reads no byte past its input: it may be the last of the memory", () => {
    module.reset();
    const [key, nonce, dst] = [module.put(noise(32, 1)), module.put(noise(12, 2)), module.place(600)];
    for (let length = 0; length <= 600; length++) {
      const src = module.memory.length - length;
      expect(() => module.exports.chacha20(dst, src, length, key, nonce, 0)).not.toThrow();
    }
  });

  it("wraps its block counter at 2^32", () => {
    const parameters = { key: noise(32, 4), nonce: noise(12, 5), counter: 0xfffffffd };
    const message = noise(700, 6);
    const { key, nonce, counter } = parameters;
    expect(run(module, "chacha20", parameters, message)).toEqual(reference.chacha20(key, nonce, counter, message));
  });

  it("leaves nothing in scratch memory", () => {
    run(module, "chacha20", { key: noise(32, 7), nonce: noise(12, 8), counter: 0 }, noise(300, 9));
    expect(module.scratchIsWiped()).toBe(true);
  });
});

describe.each(cipherModules)("XChaCha20 ($name)", (module) => {
  it.each(xchacha.hchacha20)("derives the subkey of the draft $name", (vector) => {
    module.reset();
    const out = module.place(32, 3);
    module.exports.hchacha20(out, module.put(hex(vector.key), 1), module.put(hex(vector.nonce), 2));
    expect(module.read(out, 32)).toEqual(hex(vector.subkey));
    expect(module.guarded(out, 32)).toBe(true);
  });

  it("derives subkeys as the plain reference does, also over the key", () => {
    for (let seed = 0; seed < 50; seed++) {
      module.reset();
      const key = noise(32, seed);
      const nonce = noise(16, seed + 100);
      const address = module.put(key);
      module.exports.hchacha20(address, address, module.put(nonce));
      expect(module.read(address, 32)).toEqual(reference.hchacha20(key, nonce));
    }
  });

  it.each(xchacha.xchacha20)("gives the ciphertext of the draft $name", (vector) => {
    const parameters = { key: hex(vector.key), nonce: hex(vector.nonce), counter: vector.counter };
    expect(run(module, "xchacha20", parameters, hex(vector.plaintext))).toEqual(hex(vector.ciphertext));
  });

  it("agrees with the plain reference and leaves nothing in scratch memory", () => {
    const parameters = { key: noise(32, 1), nonce: noise(24, 2), counter: 7 };
    const message = noise(777, 3);
    const { key, nonce, counter } = parameters;
    expect(run(module, "xchacha20", parameters, message)).toEqual(reference.xchacha20(key, nonce, counter, message));
    expect(module.scratchIsWiped()).toBe(true);
  });
});
