// wasmguard/crypto: through its noble-shaped calls, and many packets at once in linear memory as the tunnel does it.
import * as wasmguardCrypto from "../../../host/crypto/index.ts";
import type { Contestant, Inputs, Prepared } from "../contestant.ts";
import { nobleShaped } from "./noble-shaped.ts";

export const { build } = wasmguardCrypto;

/** What one superpacket of the tunnel holds; a batch is as many packets as fit. */
const BATCH_BYTES = 65536;
const MOST_PACKETS = 64;
const TAG_BYTES = 16;

/**
 * Packets one behind the other, sealed or opened in place by one call; the last one is what gets compared.
 * Sealing seals the same places again and again, whatever lies there. Opening needs what was sealed, so its time includes
 * copying all packets in once more, as does that of a program that receives them elsewhere.
 */
function batch({ key, nonce, message, sealed }: Inputs, direction: "seal" | "open"): Prepared {
  const stride = (message.length + 2 * TAG_BYTES - 1) & -TAG_BYTES;
  const packets = Math.min(MOST_PACKETS, Math.floor(BATCH_BYTES / stride));
  const aead = new wasmguardCrypto.AeadBatch(packets, packets * stride);
  const aeadKey = wasmguardCrypto.AeadKey.import(key);
  const input = direction === "seal" ? message : sealed;
  const outputLength = direction === "seal" ? sealed.length : message.length;
  const inputs = new Uint8Array(packets * stride);
  for (let i = 0; i < packets; i++) {
    aead.offsets[i] = i * stride;
    inputs.set(input, i * stride);
  }
  aead.counters.fill(new DataView(nonce.buffer, nonce.byteOffset).getBigUint64(4, true));
  aead.area.set(inputs);

  const seal = () => {
    aead.lengths.fill(input.length);
    aead.seal(aeadKey, packets);
  };
  const open = () => {
    aead.area.set(inputs);
    aead.lengths.fill(input.length);
    aead.open(aeadKey, packets);
    if (aead.outcomes[packets - 1] !== 1) throw new Error("wrong tag");
  };
  return {
    operations: packets,
    run: direction === "seal" ? seal : open,
    result: () => aead.area.slice((packets - 1) * stride, (packets - 1) * stride + outputLength),
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
  ...nobleShaped(wasmguardCrypto, { ciphers: "wasmguard", curves: "wasmguard", hashes: "wasmguard", kind: "ours" }),
];
