// @ts-nocheck: AssemblyScript. The AEAD of transport messages as a module for its tests, and the check of a kernel.
import { packetsBegin, packetsEnd, sealPacket } from "../../../../assembly/crypto/packet-aead";
import { CHECK_BYTES, checkKernel } from "../../../../assembly/crypto/wide-check";
import { SCRATCH_BYTES, setScratch } from "../../../../assembly/memory/scratch";

export { NO_COUNTER, openPacket } from "../../../../assembly/crypto/packet-aead";
export { CHECK_BYTES, checkKernel, packetsBegin, packetsEnd, SCRATCH_BYTES, sealPacket, setScratch };
