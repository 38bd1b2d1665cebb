// WireGuard's KDFs and HMAC-BLAKE2s in all builds, against wireguard-go's vectors, noble and OpenSSL.
import { createHmac, randomBytes } from "node:crypto";
import { blake2s } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import vectors from "../../vectors/kdf.json" with { type: "json" };
import { coreHashModules, hashModules } from "./hash/modules.ts";

const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

describe.each(coreHashModules)("KDFs, $name build", (module) => {
  const { exports } = module;
  beforeEach(() => module.reset());
  afterEach(() => expect(module.scratchIsWiped()).toBe(true));

  /** KDF1, KDF2 or KDF3 by the number of outputs. */
  function derive(outputs: number, key: Uint8Array, input: Uint8Array, offset = 0): string[] {
    module.reset();
    const keyAt = module.put(key, offset);
    const src = module.put(input, (offset * 3) % 16);
    const [t1, t2, t3] = [module.place(32, 1), module.place(32, 2), module.place(32, 3)] as const;
    if (outputs === 1) exports.kdf1(t1, keyAt, src, input.length);
    else if (outputs === 2) exports.kdf2(t1, t2, keyAt, src, input.length);
    else exports.kdf3(t1, t2, t3, keyAt, src, input.length);
    const places = [t1, t2, t3].slice(0, outputs);
    expect(places.every((at) => module.guarded(at, 32))).toBe(true);
    return places.map((at) => hex(module.read(at, 32)));
  }

  /** HKDF with empty info, as OpenSSL's HMAC gives it. */
  function expected(outputs: number, key: Uint8Array, input: Uint8Array): string[] {
    const prk = createHmac("blake2s256", key).update(input).digest();
    const results: Buffer[] = [];
    for (let n = 1; n <= outputs; n++) {
      const previous = results.at(-1) ?? Buffer.alloc(0);
      results.push(
        createHmac("blake2s256", prk)
          .update(previous)
          .update(Buffer.from([n]))
          .digest(),
      );
    }
    return results.map(hex);
  }

  // Keys shorter than 32 bytes: HMAC pads with zeros, so padding to 32 changes nothing.
  test.each(vectors.kdf3)("wireguard-go: key '$key'", ({ key, input, outputs }) => {
    const padded = new Uint8Array(32);
    padded.set(Buffer.from(key, "hex"));
    for (const n of [1, 2, 3]) expect(derive(n, padded, Buffer.from(input, "hex"))).toEqual(outputs.slice(0, n));
  });

  test("KDFs agree with OpenSSL and noble on inputs of 0 to 200 bytes", () => {
    for (let length = 0; length <= 200; length++) {
      const key = randomBytes(32);
      const input = randomBytes(length);
      for (const n of [1, 2, 3]) expect(derive(n, key, input, length % 16)).toEqual(expected(n, key, input));
      expect(derive(3, key, input).join("")).toBe(hex(hkdf(blake2s, input, key, undefined, 96)));
    }
  });

  test("outputs may take the place of the chaining key and of the input", () => {
    const key = randomBytes(32);
    const input = randomBytes(32);
    const want = expected(3, key, input);
    const fill = () => {
      module.reset();
      return [module.put(key), module.put(input), module.place(32)] as const;
    };
    let [keyAt, inputAt, other] = fill();
    exports.kdf1(keyAt, keyAt, inputAt, 32);
    expect(hex(module.read(keyAt, 32))).toBe(want[0]);
    [keyAt, inputAt, other] = fill();
    exports.kdf2(inputAt, keyAt, keyAt, inputAt, 32);
    expect([inputAt, keyAt].map((at) => hex(module.read(at, 32)))).toEqual(want.slice(0, 2));
    [keyAt, inputAt, other] = fill();
    exports.kdf3(keyAt, other, inputAt, keyAt, inputAt, 32);
    expect([keyAt, other, inputAt].map((at) => hex(module.read(at, 32)))).toEqual(want);
  });
});

describe.each(hashModules)("HMAC, $name build", (module) => {
  const { exports } = module;
  beforeEach(() => module.reset());
  afterEach(() => expect(module.scratchIsWiped()).toBe(true));

  test("HMAC agrees with OpenSSL and noble for keys and messages of any length", () => {
    for (let i = 0; i < 600; i++) {
      const key = randomBytes(i % 131);
      const message = randomBytes((i * 7) % 300);
      module.reset();
      const out = module.place(32, i % 16);
      exports.hmac(out, module.put(key, (i * 3) % 16), key.length, module.put(message, (i * 5) % 16), message.length);
      const result = hex(module.read(out, 32));
      expect(module.guarded(out, 32)).toBe(true);
      expect(result).toBe(createHmac("blake2s256", key).update(message).digest("hex"));
      expect(result).toBe(hex(hmac(blake2s, key, message)));
    }
  });

  test("the result may take the place of key and message", () => {
    const key = randomBytes(32);
    const at = module.put(key);
    exports.hmac(at, at, 32, at, 32);
    expect(hex(module.read(at, 32))).toBe(hex(hmac(blake2s, key, key)));
  });
});
