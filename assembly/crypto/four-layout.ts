/**
 * Memory of four ladders side by side, which the core and the kernel of generated/x25519-wide.ts share: offsets from where it
 * begins, aligned to 32. A quad is limb 0 of four elements of field-fma.ts, then limb 1 of them, and so on.
 */
export const LANES: usize = 4;
export const QUAD_BYTES: usize = 160;

// The names of RFC 7748, section 5.
export const X1: usize = 0;
export const X2: usize = X1 + QUAD_BYTES;
export const Z2: usize = X2 + QUAD_BYTES;
export const X3: usize = Z2 + QUAD_BYTES;
export const Z3: usize = X3 + QUAD_BYTES;
export const A: usize = Z3 + QUAD_BYTES;
export const B: usize = A + QUAD_BYTES;
export const C: usize = B + QUAD_BYTES;
export const D: usize = C + QUAD_BYTES;
export const E: usize = D + QUAD_BYTES;
export const FACTOR: usize = E + QUAD_BYTES;
/** Those of field-fma.ts, each in all lanes. */
export const CONSTANTS: usize = FACTOR + QUAD_BYTES;
export const MASK: usize = CONSTANTS + 608;
/** 32 bytes each, clamped. */
export const SCALARS: usize = MASK + 32;
export const FOUR_BYTES: usize = SCALARS + 32 * LANES;
