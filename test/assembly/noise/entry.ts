// @ts-nocheck: AssemblyScript. The handshake as a module for its tests, with ways to set up peers and look at them.
export { forgetAgreed } from "../../../assembly/noise/agreed";
export { answerAhead, forgetAnswers } from "../../../assembly/noise/answers";
export { combOf, makeCombs } from "../../../assembly/noise/combs";
export { checkMac1, checkMac2, consumeCookieReply, createCookieReply } from "../../../assembly/noise/cookie";
export { clearHandshake } from "../../../assembly/noise/handshake";
export { setPrivateKey } from "../../../assembly/noise/identity";
export { agreeAhead, consumeInitiation, createInitiation } from "../../../assembly/noise/initiation";
export { enqueueHandshake } from "../../../assembly/noise/queue";
export { consumeResponse, createResponse } from "../../../assembly/noise/response";
export { beginSession } from "../../../assembly/noise/session";
export { precompute, precomputeFour } from "../../../assembly/noise/static-static";

import {
  AGREED_BYTES,
  ANSWERS_BYTES,
  agreed,
  answers,
  identity,
  layOut,
  memoryEnd,
  random,
  uapiAreas,
} from "../../../assembly/memory/layout";
import { SCRATCH, setScratch } from "../../../assembly/memory/scratch";
import { ThreadState } from "../../../assembly/memory/thread-state";
import { Fresh } from "../../../assembly/noise/fresh";
import { clearHandshake } from "../../../assembly/noise/handshake";
import { IndexTable } from "../../../assembly/routing/index-table";
import { Peers } from "../../../assembly/routing/peers";
import { Keypair } from "../../../assembly/transport/keypair";
import { Keypairs } from "../../../assembly/transport/keypairs";

/** @param threads that there is room for */
export function attach(peers: u32, threads: u32): usize {
  setScratch(layOut(__heap_base, peers, 16, 0, threads));
  return memoryEnd;
}

export function scratchAddress(): usize {
  return SCRATCH;
}

export function identityAddress(): usize {
  return identity;
}

export function randomAddress(): usize {
  return random;
}

/** Where the tables of both peers' ephemeral keys are, 0 if there are none. */
export function freshOf(one: u32, other: u32): usize {
  return Fresh.of(Peers.secret(one).remoteEphemeral, Peers.secret(other).remoteEphemeral);
}

export function agreedAddress(): usize {
  return agreed;
}

export function agreedBytes(): usize {
  return AGREED_BYTES;
}

export function answersAddress(): usize {
  return answers;
}

export function answersBytes(): usize {
  return ANSWERS_BYTES;
}

/** Forget what waits. */
export function clearQueued(): void {
  ThreadState.get().queueLength = 0;
}

/** Where a test puts messages and paths. */
export function areaAddress(): usize {
  return uapiAreas;
}

export function peerAddress(peer: u32): usize {
  return Peers.record(peer).bytes;
}

export function secretAddress(peer: u32): usize {
  return Peers.secret(peer).bytes;
}

export function removePeer(peer: u32): void {
  clearHandshake(peer);
  Peers.remove(peer);
}

export function createPeer(peer: u32, publicKey: usize): bool {
  return Peers.create(peer, publicKey);
}

export function keypairAddress(peer: u32, number: u32): usize {
  return changetype<usize>(Keypair.of(peer, number));
}

export function clearKeypairs(peer: u32): void {
  Keypairs.clear(peer);
}

export function indexOwner(index: u32): u32 {
  return IndexTable.find(index);
}

export function claimIndex(index: u32, owner: u32): bool {
  return IndexTable.insert(index, owner);
}
