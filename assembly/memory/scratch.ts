/**
 * Scratch memory of one Wasm instance, inside the region for secrets. Static data holds constants
 * only: several instances (threads) share one linear memory, and each start-up writes the static
 * data anew. Whoever puts a secret here wipes it before the public call returns.
 */
export const SCRATCH_AEAD: usize = 0; // 16 KiB, page-aligned: ChaCha20 state, Poly1305 state, keystream
export const SCRATCH_X25519: usize = 16384; // 16 KiB: field elements
export const SCRATCH_HASH: usize = 32768; // 4 KiB: BLAKE2s states, HMAC pads
export const SCRATCH_NOISE: usize = 36864; // 4 KiB: handshake temporaries
export const SCRATCH_PACKET: usize = 40960; // 24 KiB: packet work, nothing secret
export const SCRATCH_BYTES: usize = 65536;

/** Start of this instance's scratch memory; 0 until `setScratch`. */
export let SCRATCH: usize = 0;

/** @param base page-aligned start of SCRATCH_BYTES bytes that no other instance uses */
export function setScratch(base: usize): void {
  SCRATCH = base;
}

/** Wipe all that may hold a secret. */
export function wipeScratch(): void {
  memory.fill(SCRATCH, 0, SCRATCH_PACKET);
}
