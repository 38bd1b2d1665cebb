/**
 * Eight blocks of ChaCha20 at a time as a module of its own, for V8 to compile to 256-bit instructions: an addition to the core, on
 * the same memory and working in the scratch memory of the same instance. It has no data of its own: there is no room for any.
 */
export { setScratch } from "../../memory/scratch";
export { eightBlocks } from "../generated/chacha20-wide";
