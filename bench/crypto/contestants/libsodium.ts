// libsodium compiled to WebAssembly: through its usual wrappers, which copy in and out and allocate for each call, and
// through the module's raw exports on buffers that stay in its memory. The plain stream and MAC are in its "sumo"
// package only. libsodium has no BLAKE2s.
import sodium from "libsodium-wrappers";
import sumo from "libsodium-wrappers-sumo";
import type { Contestant, Prepared } from "../contestant.ts";

const TAG_BYTES = 16;
const X25519_BYTES = 32;

/** The raw exports: pointers are byte offsets, a 64-bit length is two arguments, low half first. */
interface RawModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  [name: `_crypto_${string}`]: (...args: (number | null)[]) => number;
}

await Promise.all([sodium.ready, sumo.ready]);
const raw = (sodium as unknown as { libsodium: RawModule }).libsodium;
const rawSumo = (sumo as unknown as { libsodium: RawModule }).libsodium;

function put(module: RawModule, bytes: Uint8Array): number {
  const address = module._malloc(bytes.length);
  module.HEAPU8.set(bytes, address);
  return address;
}

/** A call whose result of `length` bytes lies at `address`; anything but 0 is a failure. */
function call(module: RawModule, address: number, length: number, run: () => number): Prepared {
  return {
    run() {
      if (run() !== 0) throw new Error("libsodium refused");
    },
    result: () => module.HEAPU8.slice(address, address + length),
  };
}

export const libsodium: Contestant[] = [
  {
    library: "libsodium-wrappers",
    kind: "portable",
    primitives: {
      "aead-seal": ({ key, nonce, message }) => ({
        run: () => sodium.crypto_aead_chacha20poly1305_ietf_encrypt(message, null, null, nonce, key),
      }),
      "aead-open": ({ key, nonce, sealed }) => ({
        run: () => sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, sealed, null, nonce, key),
      }),
      chacha20: ({ key, nonce, message }) => ({
        run: () => sumo.crypto_stream_chacha20_ietf_xor(message, nonce, key),
      }),
      poly1305: ({ key, message }) => ({ run: () => sumo.crypto_onetimeauth(message, key) }),
      "x25519-shared": ({ secretKey, publicKey }) => ({ run: () => sodium.crypto_scalarmult(secretKey, publicKey) }),
      "x25519-public": ({ secretKey }) => ({ run: () => sodium.crypto_scalarmult_base(secretKey) }),
    },
  },
  {
    library: "libsodium-wrappers",
    variant: "raw Wasm export",
    kind: "portable",
    primitives: {
      "aead-seal": ({ key, nonce, message }) => {
        const [k, n, m] = [key, nonce, message].map((bytes) => put(raw, bytes)) as [number, number, number];
        const length = message.length + TAG_BYTES;
        const out = raw._malloc(length);
        const seal = raw._crypto_aead_chacha20poly1305_ietf_encrypt!;
        return call(raw, out, length, () => seal(out, null, m, message.length, 0, null, 0, 0, null, n, k));
      },
      "aead-open": ({ key, nonce, sealed }) => {
        const [k, n, c] = [key, nonce, sealed].map((bytes) => put(raw, bytes)) as [number, number, number];
        const length = sealed.length - TAG_BYTES;
        const out = raw._malloc(length || 1);
        const open = raw._crypto_aead_chacha20poly1305_ietf_decrypt!;
        return call(raw, out, length, () => open(out, null, null, c, sealed.length, 0, null, 0, 0, n, k));
      },
      chacha20: ({ key, nonce, message }) => {
        const [k, n, m] = [key, nonce, message].map((bytes) => put(rawSumo, bytes)) as [number, number, number];
        const out = rawSumo._malloc(message.length);
        const xor = rawSumo._crypto_stream_chacha20_ietf_xor!;
        return call(rawSumo, out, message.length, () => xor(out, m, message.length, 0, n, k));
      },
      poly1305: ({ key, message }) => {
        const [k, m] = [key, message].map((bytes) => put(rawSumo, bytes)) as [number, number];
        const out = rawSumo._malloc(TAG_BYTES);
        const mac = rawSumo._crypto_onetimeauth!;
        return call(rawSumo, out, TAG_BYTES, () => mac(out, m, message.length, 0, k));
      },
      "x25519-shared": ({ secretKey, publicKey }) => {
        const [s, p] = [secretKey, publicKey].map((bytes) => put(raw, bytes)) as [number, number];
        const out = raw._malloc(X25519_BYTES);
        const multiply = raw._crypto_scalarmult!;
        return call(raw, out, X25519_BYTES, () => multiply(out, s, p));
      },
      "x25519-public": ({ secretKey }) => {
        const s = put(raw, secretKey);
        const out = raw._malloc(X25519_BYTES);
        const multiply = raw._crypto_scalarmult_base!;
        return call(raw, out, X25519_BYTES, () => multiply(out, s));
      },
    },
  },
];
