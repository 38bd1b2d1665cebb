/**
 * Every export of the core: the ABI on one page. Pointers are offsets in linear memory. No export returns a
 * private, ephemeral, preshared, chaining or session key; the host reads the one it must tell (UAPI `get`) through
 * `hexEncode` into an area that it wipes after the write.
 */

import { checkLadders } from "./crypto/ladders-check";
import { checkKernel } from "./crypto/wide-check";
import { exchange, layOut, rxBuffers } from "./memory/layout";
import { setScratch, wipeScratch } from "./memory/scratch";
import { Sharing } from "./memory/sharing";
import { ThreadState } from "./memory/thread-state";
import { clearHandshake } from "./noise/handshake";
import { enqueueHandshake as keepHandshake } from "./noise/queue";
import { QueuedRecord } from "./records/queued";
import { AllowedIps } from "./routing/allowed-ips";
import { Peers } from "./routing/peers";
import { touch } from "./transport/events";
import { Helpers } from "./transport/helpers";
import { Keypair } from "./transport/keypair";
import { Keypairs } from "./transport/keypairs";
import { NOBODY, Trains } from "./transport/trains";

export { hexDecode, hexEncode } from "./memory/hex";
export {
  combs,
  device,
  drops,
  exchange,
  gather,
  handshakeQueue,
  icmpBuffer,
  identity,
  ioControl,
  memoryEnd,
  peerSecrets,
  peers,
  random,
  rxBuffers,
  rxDescriptors,
  scratches,
  secretExchange,
  secretsBegin,
  secretsEnd,
  touched,
  tunBuffer,
  txBuffers,
  txDescriptors,
  uapiAreas,
  writes,
} from "./memory/layout";
export { SCRATCH as scratch } from "./memory/scratch";
export { forgetAgreed } from "./noise/agreed";
export { answerAhead, forgetAnswers } from "./noise/answers";
export { makeCombs } from "./noise/combs";
export { checkMac2, consumeCookieReply, createCookieReply } from "./noise/cookie";
export { clearHandshake } from "./noise/handshake";
export { setPrivateKey } from "./noise/identity";
export { agreeAhead, consumeInitiation, createInitiation } from "./noise/initiation";
export { consumeResponse, createResponse } from "./noise/response";
export { beginSession } from "./noise/session";
export { precompute, precomputeFour } from "./noise/static-static";
export { icmpErrorForRead } from "./packet/icmp";
export { countDrop } from "./transport/drops";
export { help } from "./transport/help";
export { receive } from "./transport/inbound";
export { outlook, sendKeepalive, sendMore, sendPacket } from "./transport/outbound";
export { acceptPath, followPath } from "./transport/roaming";

/**
 * Give this instance its place in a memory, or ask it where that memory would end: touches nothing but its own globals.
 * @param thread 0 to `threads` − 1; all instances on one memory name the same number of threads
 */
export function attach(maxPeers: u32, maxRoutes: u32, thread: u32, threads: u32): void {
  setScratch(layOut(__heap_base, maxPeers, maxRoutes, thread, threads));
}

/** Wipe this instance's temporaries. */
export function wipe(): void {
  wipeScratch();
}

/** Put a memory into its first state: a fresh one, or that of a closed device. The memory must reach to `memoryEnd`. */
export function reset(): void {
  ThreadState.reset();
}

/** Other instances will work on this memory: keep to the rules of memory/sharing.ts from now on. */
export function share(): void {
  Sharing.begin();
}

/**
 * Seal and open eight blocks at a time from now on, if the kernel does it right; before the first packet.
 * @param place  of `eightBlocks` (crypto/modules/wide.ts) in the table  @returns whether it does
 */
export function useWideKernel(place: u32): bool {
  return checkKernel(rxBuffers, place);
}

/**
 * Climb four ladders of X25519 at once from now on, if the kernel does it right; between batches of packets.
 * @param place  of `climb` (crypto/modules/wide-x25519.ts) in the table  @returns whether it does
 */
export function useLadders(place: u32): bool {
  return checkLadders(exchange, place);
}

/** This thread has nothing of its own to do, and calls `help` again and again: others may count on it. */
export function startLooking(): void {
  Helpers.startLooking();
}

export function stopLooking(): void {
  Helpers.stopLooking();
}

/** @returns bytes of messages since the last call that other threads might have helped with, had any been looking */
export function takeUnshared(): u32 {
  const self = ThreadState.get();
  const bytes = self.unshared;
  self.unshared = 0;
  return bytes;
}

/** Messages that were sealed or opened by another thread than the one they came to. */
export function helpedMessages(): u64 {
  return Helpers.messages;
}

/** Take over the settings that were made in thread 0's instance. */
export function adoptSettings(): void {
  ThreadState.adopt();
}

/** A message came under the next keypair, as EVENT_CONFIRMED told: put it in use. Without other threads it is already. */
export function confirmSession(peer: u32): void {
  Keypairs.confirmNoted(peer);
}

/** @returns address of the path that the host must allow; its family is 0 when there is none (any more) */
export function offeredPath(peer: u32): usize {
  return Peers.record(peer).offered.bytes;
}

/** Note an event for thread 0. @param events EVENT_… bits */
export function noteEvent(peer: u32, events: u32): void {
  touch(peer, events);
}

/** Put a handshake message that another thread received behind the others. @param entry QUEUED_… */
export function enqueueHandshake(entry: usize): void {
  const queued = QueuedRecord.at(entry);
  keepHandshake(queued.message, queued.length, queued.path.bytes);
}

/** @param base machine address of linear memory, for gather lists that system calls read */
export function setBase(base: u64): void {
  ThreadState.get().base = base;
}

/** How the TUN device is read and written. */
export function setTun(vnet: u32, mergeTcp: u32, mergeUdp: u32): void {
  const self = ThreadState.get();
  self.vnet = vnet;
  self.mergeTcp = mergeTcp;
  self.mergeUdp = mergeUdp;
}

export function setMtu(mtu: u32): void {
  ThreadState.get().mtu = mtu;
}

/** @param port UDP port that datagrams leave from; 0 for none */
export function setPort(port: u32): void {
  ThreadState.get().port = port;
}

/** @param datagrams how many may leave in one train; 1 without segmentation offload */
export function setTrainLength(datagrams: u32): void {
  ThreadState.get().trainLength = datagrams;
}

/** When a session is replaced. @param milliseconds age @param messages sent */
export function setRekeyLimits(milliseconds: f64, messages: u64): void {
  const self = ThreadState.get();
  self.rekeyAfterTime = milliseconds;
  self.rekeyAfterMessages = messages;
}

/** @returns whether the slot and the key were free */
export function createPeer(slot: u32, publicKey: usize): bool {
  return Peers.create(slot, publicKey);
}

/** @returns slot, or -1 */
export function findPeer(publicKey: usize): i32 {
  return Peers.find(publicKey);
}

/** Forget all about a peer and wipe it. */
export function removePeer(peer: u32): void {
  clearSessions(peer);
  AllowedIps.removeAll(peer);
  Peers.remove(peer);
}

/** Wipe the handshake under way and all keypairs. */
export function clearSessions(peer: u32): void {
  clearHandshake(peer);
  Keypairs.clear(peer);
}

/** Present sessions may still receive, but nothing more is sent under them (the kernel's expire_current_peer_keypairs). */
export function expireSessions(peer: u32): void {
  clearHandshake(peer);
  Keypairs.retire(peer);
}

/**
 * The machine slept: sessions are older than our clock says, and nothing more is sent under them.
 * @returns whether there was one that something could be sent under
 */
export function ageSessions(peer: u32, milliseconds: f64, now: f64): bool {
  const current = Keypairs.inUse(peer);
  const wasInUse = current !== 0 && Keypair.of(peer, current).canSend(now);
  expireSessions(peer);
  Keypairs.age(peer, milliseconds);
  return wasInUse;
}

/** @param high,low address in big-endian order, IPv4 in the top 32 bits of `high` @returns false when the table is full */
export function addRoute(family: u32, high: u64, low: u64, prefix: u32, peer: u32): bool {
  return AllowedIps.insert(family, high, low, prefix, peer);
}

export function removeRoute(family: u32, high: u64, low: u64, prefix: u32, peer: u32): void {
  AllowedIps.remove(family, high, low, prefix, peer);
}

export function removeRoutes(peer: u32): void {
  AllowedIps.removeAll(peer);
}

/** Walk a peer's routes, oldest first: 0 ends the walk. */
export function firstRoute(peer: u32): u32 {
  return AllowedIps.first(peer);
}

export function nextRoute(route: u32): u32 {
  return AllowedIps.next(route);
}

/** `family << 8 | prefix`; 0 for a node that is nobody's. */
export function routeKind(route: u32): u32 {
  return AllowedIps.kind(route);
}

/** Nodes in the tries at the most: what a walk along a list cannot exceed. */
export function routesInUse(): u32 {
  return AllowedIps.inUse;
}

/** Write the 16 address bytes of a route, network order. */
export function routeAddress(route: u32, out: usize): void {
  store<u64>(out, bswap(AllowedIps.high(route)));
  store<u64>(out, bswap(AllowedIps.low(route)), 8);
}

/** Trains waiting to be sent. */
export function trains(): u32 {
  return ThreadState.get().trains;
}

/** All trains have been sent or given up. */
export function clearTrains(): void {
  ThreadState.get().trains = 0;
}

/** Count train `train` as sent. */
export function accountTrain(train: u32): void {
  Trains.account(train);
}

/** A place for a message of its own to `path`. @returns 0 when all trains are taken */
export function openTrain(peer: u32, path: usize, tos: u32): usize {
  return Trains.open(peer, path, tos);
}

/** A place for a message that belongs to no peer. */
export function openTrainToNobody(path: usize): usize {
  return Trains.open(NOBODY, path, 0);
}

/** The message in the place given out last is complete. */
export function commitTrain(length: u32): void {
  Trains.commit(length);
}

/** Handshake messages waiting. */
export function queued(): u32 {
  return ThreadState.get().queueLength;
}

/** @returns address of the first handshake message waiting (QUEUED_… in abi.ts) */
export function firstQueued(): usize {
  return ThreadState.get().firstQueued;
}

export function dropQueued(): void {
  ThreadState.get().dropQueued();
}

/** Forget all that wait, as the interface goes down. */
export function clearQueued(): void {
  ThreadState.get().queueLength = 0;
}

/** @returns how many peers have events; their slots are at `touched`. The list is empty afterwards. */
export function takeTouched(): u32 {
  const self = ThreadState.get();
  const count = self.touched;
  self.touched = 0;
  return count;
}
