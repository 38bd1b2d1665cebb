/**
 * Four ladders of X25519 side by side as a module of its own, for V8 to compile to 256-bit instructions: an addition to the core, on
 * the same memory. It has no data of its own: there is no room for any.
 */
export { climb } from "../generated/x25519-wide";
