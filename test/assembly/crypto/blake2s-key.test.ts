// BLAKE2s under a key that was absorbed before, against noble.
import { randomBytes } from "node:crypto";
import { blake2s as noble } from "@noble/hashes/blake2.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { coreHashModules } from "./hash/modules.ts";

const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

describe.each(coreHashModules)("BLAKE2s by a key begun, $name build", (module) => {
  const { exports } = module;
  beforeEach(() => module.reset());
  afterEach(() => expect(module.scratchIsWiped()).toBe(true));

  test.each([16, 32])("%i bytes of messages of any length, one begun key for all", (outLength) => {
    const key = randomBytes(outLength);
    const begun = module.place(32, 1);
    exports.blake2sBegin(begun, outLength, module.put(key, 3), key.length);
    const state = hex(module.read(begun, 32));
    for (let length = 1; length <= 200; length++) {
      const message = randomBytes(length);
      const out = module.place(outLength, length % 16);
      exports.blake2sRest(out, outLength, begun, module.put(message, (length * 3) % 16), length);
      expect(hex(module.read(out, outLength))).toBe(hex(noble(message, { dkLen: outLength, key })));
      expect(module.guarded(out, outLength)).toBe(true);
    }
    expect(hex(module.read(begun, 32))).toBe(state);
    expect(module.guarded(begun, 32)).toBe(true);
  });
});
