// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Two ladders side by side, with what only a responder's answer takes.
export { x25519Answer } from "../../../../assembly/crypto/x25519-answers";
export { x25519Both } from "../../../../assembly/crypto/x25519-both";
export { area, scratch } from "../ladder-memory";
