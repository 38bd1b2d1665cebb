/**
 * The work on one block of a fork, the same for its owner and for who helps: each with the scratch memory of its own instance. Keys are read
 * where they are. They stay there until the owner leaves its batch, which it does not before all blocks are done.
 */
import { KEEPALIVE_BYTES, TRANSPORT_HEADER_BYTES } from "../abi";
import { FORK_BLOCK } from "../constants";
import { NO_COUNTER, openPacket, packetsBegin, packetsEnd, sealPacket } from "../crypto/packet-aead";
import { ForkRecord, KIND_SEAL } from "../records/fork";
import { Keypair } from "./keypair";

/** Seal or open the messages of a block that was taken; no key is left in scratch memory. @returns how many they are */
export function workOn(fork: ForkRecord, block: u32): u32 {
  const first = block * FORK_BLOCK;
  const end = min(fork.jobs, first + FORK_BLOCK);
  const seals = fork.kind === KIND_SEAL;
  let owner: u32 = 0; // no keypair has the number 0
  for (let i = first; i < end; i++) {
    const job = fork.job(i);
    const keypair = Keypair.of(job.owner >> 2, job.owner & 3);
    if (job.owner !== owner) {
      if (owner) packetsEnd();
      owner = job.owner;
      packetsBegin(seals ? keypair.sendingKey : keypair.receivingKey);
    }
    const data = <usize>job.message + TRANSPORT_HEADER_BYTES;
    const length = job.length - KEEPALIVE_BYTES;
    const counter = load<u64>(job.message, 8);
    if (seals) {
      sealPacket(data, data, length, counter);
    } else {
      const goesOn = i + 1 < end && fork.job(i + 1).owner === owner;
      job.opened = <u16>openPacket(data, data, length, counter, goesOn ? counter + 1 : NO_COUNTER);
    }
  }
  if (owner) packetsEnd();
  fork.setDone(block);
  return end - first;
}
