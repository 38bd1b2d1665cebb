/**
 * From the TUN device to the wire: route, split, seal (WireGuard paper §5.4.6). One read in, datagrams in trains out.
 * The host tells the address of the read, which starts with a vnet header (all zero for a plain packet).
 */
import {
  MESSAGE_TRANSPORT,
  PACKET_BYTES_MAX_IPV4,
  PACKET_BYTES_MAX_IPV6,
  SEND_DONE,
  SEND_DONE_REKEY,
  SEND_LOOP,
  SEND_MALFORMED,
  SEND_MORE,
  SEND_NO_ENDPOINT,
  SEND_NO_PEER,
  SEND_STAGE,
  SEND_STALLED,
  SEND_STATUS_SHIFT,
  SEND_TOO_BIG,
  TAG_BYTES,
  TRANSPORT_HEADER_BYTES,
  VNET_BYTES,
} from "../abi";
import { REJECT_AFTER_MESSAGES } from "../constants";
import { packetsBegin, packetsEnd, sealPacket } from "../crypto/packet-aead";
import { Sharing } from "../memory/sharing";
import { ThreadState } from "../memory/thread-state";
import { ecnOf } from "../packet/ecn";
import { destination, version } from "../packet/ip";
import { hopLimitFor, isOwnDatagram, NO_HOPS } from "../packet/nesting";
import { splitBegin, splitNext, splitSegmentLength } from "../packet/split";
import { KIND_SEAL } from "../records/fork";
import { AllowedIps } from "../routing/allowed-ips";
import { Peers } from "../routing/peers";
import { Fork } from "./fork";
import { Helpers } from "./helpers";
import { Keypair } from "./keypair";
import { Keypairs } from "./keypairs";
import { Trains } from "./trains";

/** The read under way; it survives between `sendPacket` and `sendMore`. Of this instance, nothing secret. */
let sendingPeer: u32 = 0;
let sendingNumber: u32 = 0;
let sendingCounter: u64 = 0;
let sendingTos: u32 = 0;
let sendingNow: f64 = 0;
/** Whether any thread may seal what it makes. */
let sendingShared: bool = false;

/** Bytes after padding: to a multiple of 16, but not over the MTU (the kernel's calculate_skb_padding). */
function padded(length: u32): u32 {
  const mtu = ThreadState.get().mtu;
  const lastUnit = mtu && length > mtu ? length % mtu : length;
  const rounded = (lastUnit + 15) & ~15;
  return length - lastUnit + (mtu ? min(mtu, rounded) : rounded);
}

/**
 * Route one read and seal it for its peer.
 * @param vnet   vnet header and packet; the packet is only read
 * @param length bytes of both
 * @returns SEND_… << SEND_STATUS_SHIFT | peer slot
 */
export function sendPacket(vnet: usize, length: u32, now: f64): u32 {
  const packet = vnet + VNET_BYTES;
  const kind = length < <u32>VNET_BYTES ? 0 : version(packet, length - VNET_BYTES);
  if (kind === 0) return SEND_MALFORMED << SEND_STATUS_SHIFT;
  const peer = AllowedIps.routeOf(destination(packet, kind), kind);
  if (peer < 0) return SEND_NO_PEER << SEND_STATUS_SHIFT;
  const bytes = length - VNET_BYTES;
  const hops = hopLimitFor(packet, kind, bytes);
  if (hops === NO_HOPS || isOwnDatagram(packet, kind, bytes, Peers.record(peer).path, ThreadState.get().port)) {
    return (SEND_LOOP << SEND_STATUS_SHIFT) | peer;
  }
  return sendTo(peer, vnet, length, ecnOf(packet, kind) | (hops << 8), now);
}

/**
 * What would become of a packet to this address now.
 * @param address 4 or 16 bytes  @param kind 4 or 6
 * @returns as sendPacket: SEND_DONE, SEND_STAGE, SEND_NO_ENDPOINT or SEND_NO_PEER
 */
export function outlook(address: usize, kind: u32, now: f64): u32 {
  const peer = AllowedIps.routeOf(address, kind);
  if (peer < 0) return SEND_NO_PEER << SEND_STATUS_SHIFT;
  if (Peers.record(peer).path.family === 0) return (SEND_NO_ENDPOINT << SEND_STATUS_SHIFT) | peer;
  const number = Keypairs.inUse(peer);
  const usable = number !== 0 && Keypair.of(peer, number).canSend(now);
  return ((usable ? SEND_DONE : SEND_STAGE) << SEND_STATUS_SHIFT) | peer;
}

/** Seal one read for a peer that is already known. @param tos as TxRecord has it */
function sendTo(peer: u32, vnet: usize, length: u32, tos: u32, now: f64): u32 {
  const family = Peers.record(peer).path.family;
  if (family === 0) return (SEND_NO_ENDPOINT << SEND_STATUS_SHIFT) | peer;
  const number = Keypairs.inUse(peer);
  if (!number || !Keypair.of(peer, number).canSend(now)) return (SEND_STAGE << SEND_STATUS_SHIFT) | peer;
  const segments = splitBegin(vnet, length);
  if (segments <= 0) return (SEND_MALFORMED << SEND_STATUS_SHIFT) | peer;
  const most: u32 = family === 4 ? PACKET_BYTES_MAX_IPV4 : PACKET_BYTES_MAX_IPV6;
  if (splitSegmentLength() > most) return (SEND_TOO_BIG << SEND_STATUS_SHIFT) | peer;
  sendingCounter = Keypair.of(peer, number).takeCounters(segments);
  if (sendingCounter === REJECT_AFTER_MESSAGES) return (SEND_STAGE << SEND_STATUS_SHIFT) | peer;
  sendingPeer = peer;
  sendingNumber = number;
  sendingTos = tos;
  sendingNow = now;
  sendingShared = Sharing.on && segments > 1 && Helpers.shall(length);
  return sendMore();
}

/** Go on with the read that answered SEND_MORE, after the trains have been sent. */
export function sendMore(): u32 {
  const keypair = Keypair.of(sendingPeer, sendingNumber);
  const room = TRANSPORT_HEADER_BYTES + padded(splitSegmentLength()) + TAG_BYTES;
  if (sendingShared) Fork.begin(KIND_SEAL);
  else packetsBegin(keypair.sendingKey);
  let status: u32 = SEND_MORE;
  while (!sendingShared || !Fork.isFull) {
    const message = Trains.reserve(sendingPeer, room, sendingTos);
    if (!message) break;
    const length = splitNext(message + TRANSPORT_HEADER_BYTES);
    if (length === 0) {
      status = wantsRekey(keypair, sendingNow) ? SEND_DONE_REKEY : SEND_DONE;
      break;
    }
    const bytes = frame(keypair, message, length, sendingCounter++);
    if (sendingShared) Fork.add(message, bytes, (sendingPeer << 2) | sendingNumber, 0);
    else seal(message, bytes);
    Trains.commit(bytes);
  }
  if (!sendingShared) packetsEnd();
  else if (!Fork.join()) status = forgetTrains();
  return (status << SEND_STATUS_SHIFT) | sendingPeer;
}

/** Not all of them are sealed: nobody may send them. */
function forgetTrains(): u32 {
  ThreadState.get().trains = 0;
  return SEND_STALLED;
}

/**
 * Pad, and write the header. The plaintext lies behind the header already.
 * @returns bytes of the whole message, its tag included
 */
function frame(keypair: Keypair, message: usize, length: u32, counter: u64): u32 {
  const plaintext = message + TRANSPORT_HEADER_BYTES;
  const whole = padded(length);
  // Fewer than 16 bytes of it, and the tag comes later: memory.fill would be a call out of Wasm.
  v128.store(plaintext + length, i64x2.splat(0));
  store<u32>(message, MESSAGE_TRANSPORT);
  store<u32>(message, keypair.remoteIndex, 4);
  store<u64>(message, counter, 8);
  return TRANSPORT_HEADER_BYTES + whole + TAG_BYTES;
}

/** Seal in place. The tag is written with the next message or by `packetsEnd`, so nobody may send before that. */
function seal(message: usize, bytes: u32): void {
  const plaintext = message + TRANSPORT_HEADER_BYTES;
  sealPacket(plaintext, plaintext, bytes - TRANSPORT_HEADER_BYTES - TAG_BYTES, load<u64>(message, 8));
}

/**
 * Seal a message without data.
 * @returns as sendPacket
 */
export function sendKeepalive(peer: u32, now: f64): u32 {
  if (Peers.record(peer).path.family === 0) return (SEND_NO_ENDPOINT << SEND_STATUS_SHIFT) | peer;
  const number = Keypairs.inUse(peer);
  if (!number || !Keypair.of(peer, number).canSend(now)) return (SEND_STAGE << SEND_STATUS_SHIFT) | peer;
  const keypair = Keypair.of(peer, number);
  const message = Trains.reserve(peer, TRANSPORT_HEADER_BYTES + TAG_BYTES, 0);
  if (!message) return (SEND_MORE << SEND_STATUS_SHIFT) | peer;
  const counter = keypair.takeCounters(1);
  if (counter === REJECT_AFTER_MESSAGES) return (SEND_STAGE << SEND_STATUS_SHIFT) | peer;
  const bytes = frame(keypair, message, 0, counter);
  packetsBegin(keypair.sendingKey);
  seal(message, bytes);
  packetsEnd();
  Trains.commit(bytes);
  return ((wantsRekey(keypair, now) ? SEND_DONE_REKEY : SEND_DONE) << SEND_STATUS_SHIFT) | peer;
}

/** Sent under this keypair, is it time for the next (paper §6.2)? */
function wantsRekey(keypair: Keypair, now: f64): bool {
  const self = ThreadState.get();
  if (keypair.sendingCounter > self.rekeyAfterMessages) return true;
  return keypair.initiator !== 0 && now - keypair.createdAt >= self.rekeyAfterTime;
}
