// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Four X25519 at once, and what one answer takes, on a memory that a kernel may share.
export { FRESH_BYTES as freshBytes, makeFresh, x25519Fresh } from "../../../../assembly/crypto/comb-fresh";
export { makeTables, TABLE_BYTES as tableBytes } from "../../../../assembly/crypto/comb-table";
export { checkLadders } from "../../../../assembly/crypto/ladders-check";
export { x25519Answer, x25519Answers } from "../../../../assembly/crypto/x25519-answers";
export { x25519Four } from "../../../../assembly/crypto/x25519-four";
export { area, scratch } from "../ladder-memory";
