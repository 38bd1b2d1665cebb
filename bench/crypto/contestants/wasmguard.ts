// wasmguard/crypto: through its noble-shaped calls; many packets at once in linear memory as the tunnel does it; and the
// functions of its WebAssembly module on bytes that already lie there, which tells what the calls around them cost.
import { main as hashMain } from "../../../host/crypto/blake2s-module.ts";
import { main as cipherMain } from "../../../host/crypto/ciphers-module.ts";
import * as wasmguardCrypto from "../../../host/crypto/index.ts";
import { main as curveMain } from "../../../host/crypto/x25519-module.ts";
import type { Contestant, Inputs, Prepared } from "../contestant.ts";
import { nobleShaped } from "./noble-shaped.ts";

export const { build } = wasmguardCrypto;
const { blake2s, x25519Pair } = wasmguardCrypto;

/** What one superpacket of the tunnel holds; a batch is as many packets as fit. */
const BATCH_BYTES = 65536;
const MOST_PACKETS = 64;
const TAG_BYTES = 16;
const HASH_BYTES = 32;
const KEY_BYTES = 32;
const SLOT_BYTES = 32768;

// One batch serves all cases, and the rest happens in the memories that the calls use too: JavaScriptCore gives up its fast
// way of checking addresses after some eight memories in a process, and then everything takes half as long again.
const aead = new wasmguardCrypto.AeadBatch(MOST_PACKETS, BATCH_BYTES);

/**
 * Packets one behind the other, sealed or opened in place by one call; the last one is what gets compared.
 * Sealing seals the same places again and again, whatever lies there. Opening needs what was sealed, so that is brought
 * back before each run.
 */
function batch({ key, nonce, message, sealed }: Inputs, direction: "seal" | "open"): Prepared {
  const stride = (message.length + 2 * TAG_BYTES - 1) & -TAG_BYTES;
  const packets = Math.min(MOST_PACKETS, Math.floor(BATCH_BYTES / stride));
  const aeadKey = wasmguardCrypto.AeadKey.import(key);
  const input = direction === "seal" ? message : sealed;
  const outputLength = direction === "seal" ? sealed.length : message.length;
  const offsets = Uint32Array.from({ length: packets }, (_, i) => i * stride);
  const inputs = new Uint8Array(packets * stride);
  for (const offset of offsets) inputs.set(input, offset);
  aead.counters.fill(new DataView(nonce.buffer, nonce.byteOffset).getBigUint64(4, true));
  aead.area.set(inputs);
  const describe = () => {
    aead.offsets.set(offsets);
    aead.lengths.fill(input.length);
  };
  const restore = () => {
    aead.area.set(inputs);
    describe();
  };
  const seal = () => {
    describe();
    aead.seal(aeadKey, packets);
  };
  const open = () => {
    aead.open(aeadKey, packets);
    if (aead.outcomes[packets - 1] !== 1) throw new Error("wrong tag");
  };
  return {
    ...(direction === "open" && { before: restore }),
    operations: packets,
    run: direction === "seal" ? seal : open,
    result: () => aead.area.slice((packets - 1) * stride, (packets - 1) * stride + outputLength),
  };
}

/** Where a module works, whichever it is. */
interface Memory<Exports> {
  readonly exports: Exports;
  readonly bytes: Uint8Array;
  readonly args: number;
  readonly staging: number;
}

/**
 * `inputs` in the memory of a module: short ones among its arguments, longer ones in its staging area, where the result
 * comes first. The ordinary calls wipe them; then the same work is done on zeros, in the same time.
 */
function raw<Exports>(
  { exports, bytes, args, staging }: Memory<Exports>,
  inputs: readonly Uint8Array[],
  resultBytes: number,
  start: (module: Exports, result: number, addresses: readonly number[]) => () => unknown,
): Prepared {
  const addresses = inputs.map((input, i) => (input.length <= KEY_BYTES ? args + i * KEY_BYTES : staging + SLOT_BYTES));
  for (const [i, input] of inputs.entries()) bytes.set(input, addresses[i]);
  const run = start(exports, staging, addresses);
  return { run, result: () => bytes.slice(staging, staging + resultBytes) };
}

/** Two shared secrets a run; the second is what gets compared. */
function pair({ secretKey, publicKey }: Inputs): Prepared {
  let shared: readonly Uint8Array[] = [];
  return {
    operations: 2,
    run: () => {
      shared = x25519Pair(secretKey, publicKey, secretKey, publicKey);
    },
    result: () => shared[1]!,
  };
}

export const wasmguard: Contestant[] = [
  {
    library: "wasmguard",
    variant: "batch in linear memory",
    kind: "ours",
    primitives: {
      "aead-seal": (inputs) => batch(inputs, "seal"),
      "aead-open": (inputs) => batch(inputs, "open"),
    },
  },
  ...nobleShaped(wasmguardCrypto, {
    ciphers: "wasmguard",
    curves: "wasmguard",
    hashes: "wasmguard",
    kind: "ours",
    blake2s: ({ message }) => ({ run: () => blake2s(message) }),
  }),
  { library: "wasmguard", variant: "two at once", kind: "ours", primitives: { "x25519-shared": pair } },
  {
    library: "wasmguard",
    variant: "raw Wasm export",
    kind: "ours",
    primitives: {
      chacha20: ({ key, nonce, message }) =>
        raw(cipherMain, [key, nonce, message], message.length, ({ chacha20 }, result, [k, n, m]) => {
          return () => chacha20(result, m!, message.length, k!, n!, 0);
        }),
      poly1305: ({ key, message }) =>
        raw(cipherMain, [key, message], TAG_BYTES, ({ poly1305 }, result, [k, m]) => {
          return () => poly1305(result, m!, message.length, k!);
        }),
      "x25519-shared": ({ secretKey, publicKey }) =>
        raw(
          curveMain,
          [secretKey, publicKey],
          KEY_BYTES,
          ({ x25519 }, result, [s, p]) =>
            () =>
              x25519(result, s!, p!),
        ),
      "x25519-public": ({ secretKey }) =>
        raw(
          curveMain,
          [secretKey],
          KEY_BYTES,
          ({ x25519Base }, result, [s]) =>
            () =>
              x25519Base(result, s!),
        ),
      blake2s: ({ message }) =>
        raw(hashMain, [message], HASH_BYTES, ({ blake2s }, result, [m]) => {
          return () => blake2s(result, HASH_BYTES, m!, message.length, 0, 0);
        }),
    },
  },
];
