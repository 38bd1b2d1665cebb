// @ts-nocheck: AssemblyScript. Replay window, keypairs, index table and allowed-ips trie as a module for their tests.
import { layOut, memoryEnd, uapiAreas } from "../../../assembly/memory/layout";
import { setScratch } from "../../../assembly/memory/scratch";
import { AllowedIps } from "../../../assembly/routing/allowed-ips";
import { IndexTable } from "../../../assembly/routing/index-table";
import { Peers } from "../../../assembly/routing/peers";
import { Keypair } from "../../../assembly/transport/keypair";
import { Keypairs } from "../../../assembly/transport/keypairs";
// biome-ignore lint/style/useImportType: AssemblyScript has no type-only imports
import { REPLAY_BYTES, ReplayWindow } from "../../../assembly/transport/replay";

export function attach(peers: u32, routes: u32): usize {
  setScratch(layOut(__heap_base, peers, routes, 0, 1));
  return memoryEnd;
}

/** A window in an area for tests; the area is large enough for one. */
export function clearWindow(): void {
  memory.fill(uapiAreas, 0, REPLAY_BYTES);
}

export function accept(counter: u64): bool {
  return changetype<ReplayWindow>(uapiAreas).accept(counter);
}

export function insertIndex(index: u32, owner: u32): bool {
  return IndexTable.insert(index, owner);
}

export function findIndex(index: u32): u32 {
  return IndexTable.find(index);
}

export function removeIndex(index: u32): void {
  IndexTable.remove(index);
}

export function setIndexOwner(index: u32, owner: u32): void {
  IndexTable.setOwner(index, owner);
}

export function peerAddress(peer: u32): usize {
  return Peers.record(peer).bytes;
}

export function lookup(family: u32, high: u64, low: u64): i32 {
  return AllowedIps.lookup(family, high, low);
}

export function insertRoute(family: u32, high: u64, low: u64, prefix: u32, peer: u32): bool {
  return AllowedIps.insert(family, high, low, prefix, peer);
}

export function removeRoute(family: u32, high: u64, low: u64, prefix: u32, peer: u32): void {
  AllowedIps.remove(family, high, low, prefix, peer);
}

export function removeRoutes(peer: u32): void {
  AllowedIps.removeAll(peer);
}

export function firstRoute(peer: u32): u32 {
  return AllowedIps.first(peer);
}

export function nextRoute(route: u32): u32 {
  return AllowedIps.next(route);
}

export function routeKind(route: u32): u32 {
  return AllowedIps.kind(route);
}

export function routeHigh(route: u32): u64 {
  return AllowedIps.high(route);
}

export function routeLow(route: u32): u64 {
  return AllowedIps.low(route);
}

/** A new keypair whose sending key is filled with `mark`. @returns its number */
export function beginKeypair(peer: u32, initiator: u32, index: u32, mark: u32, now: f64): u32 {
  IndexTable.insert(index, peer << 2);
  const keypair = Keypairs.begin(peer, initiator, index, 0, now);
  memory.fill(keypair.sendingKey, <u8>mark, 32);
  return <u32>(changetype<usize>(keypair) - changetype<usize>(Keypair.of(peer, 1))) / <u32>keypairBytes() + 1;
}

export function keypairBytes(): usize {
  return changetype<usize>(Keypair.of(0, 2)) - changetype<usize>(Keypair.of(0, 1));
}

export function keypairAddress(peer: u32, number: u32): usize {
  return changetype<usize>(Keypair.of(peer, number));
}

export function confirmKeypair(peer: u32, number: u32): bool {
  return Keypairs.confirm(peer, number);
}

export function noteConfirmed(peer: u32, number: u32): bool {
  return Keypairs.noteConfirmed(peer, number);
}

export function confirmNoted(peer: u32): void {
  Keypairs.confirmNoted(peer);
}

export function keypairInUse(peer: u32): u32 {
  return Keypairs.inUse(peer);
}

export function retireKeypairs(peer: u32): void {
  Keypairs.retire(peer);
}

export function ageKeypairs(peer: u32, milliseconds: f64): void {
  Keypairs.age(peer, milliseconds);
}

export function clearKeypairs(peer: u32): void {
  Keypairs.clear(peer);
}

export function canSend(peer: u32, number: u32, now: f64): bool {
  return Keypair.of(peer, number).canSend(now);
}

export function takeCounters(peer: u32, number: u32, count: u32): u64 {
  return Keypair.of(peer, number).takeCounters(count);
}

export function setSendingCounter(peer: u32, number: u32, counter: u64): void {
  Keypair.of(peer, number).sendingCounter = counter;
}
