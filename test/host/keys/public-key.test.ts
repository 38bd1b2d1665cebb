import { x25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { noise } from "../../support/bytes.ts";

const memories: WebAssembly.Memory[] = [];

/** A fresh copy of the module, whose linear memories are noted. */
async function load(): Promise<typeof import("../../../host/keys/public-key.ts")> {
  memories.length = 0;
  vi.resetModules();
  vi.stubGlobal("WebAssembly", {
    validate: WebAssembly.validate,
    Module: WebAssembly.Module,
    Instance: class extends WebAssembly.Instance {
      constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
        super(module, imports);
        memories.push(this.exports.memory as WebAssembly.Memory);
      }
    },
  });
  return import("../../../host/keys/public-key.ts");
}

afterEach(() => void vi.unstubAllGlobals());

it("agrees with @noble/curves", async () => {
  const { derivePublicKey } = await load();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      expect(derivePublicKey(key)).toEqual(x25519.getPublicKey(key));
    }),
    { numRuns: 20 },
  );
});

it("nothing is compiled before the first key, and then once", async () => {
  const { derivePublicKey } = await load();
  expect(memories).toHaveLength(0);
  derivePublicKey(noise(32, 1));
  derivePublicKey(noise(32, 2));
  expect(memories).toHaveLength(1);
});

it("linear memory keeps nothing of a key", async () => {
  const { derivePublicKey } = await load();
  derivePublicKey(noise(32, 1)); // what the first one makes stays, and is not secret
  const bytes = Buffer.from(memories[0]!.buffer);
  const before = Buffer.from(bytes);
  const key = noise(32, 2);
  derivePublicKey(key);
  expect(bytes.equals(before)).toBe(true);
  expect(bytes.includes(key)).toBe(false);
});

it("a runtime that cannot compile it is told", async () => {
  const { derivePublicKey } = await load();
  vi.stubGlobal("WebAssembly", undefined);
  expect(() => derivePublicKey(noise(32, 1))).toThrow(
    expect.objectContaining({ name: "UnsupportedRuntimeError", code: "UNSUPPORTED_RUNTIME" }),
  );
});
