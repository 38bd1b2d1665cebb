// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Four X25519 at once, and what one answer takes, on a memory that a kernel may share.
export { checkLadders } from "../../../../assembly/crypto/ladders-check";
export { x25519Answer } from "../../../../assembly/crypto/x25519-both";
export { x25519Answers, x25519Four } from "../../../../assembly/crypto/x25519-four";
export { area, scratch } from "../ladder-memory";
