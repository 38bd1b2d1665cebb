/**
 * From the wire to the TUN device: open, check, merge (WireGuard paper §5.4.6). A batch of UDP messages in, a list of writes out.
 * The order of checks: index, age, tag, replay, promotion of the keypair, endpoint, and then what is inside.
 * Nothing here throws: what is wrong is counted and dropped.
 */
import {
  COOKIE_REPLY_BYTES,
  DROP_AUTHENTICATION,
  DROP_BATCH,
  DROP_EXPIRED,
  DROP_INDEX,
  DROP_INNER_PACKET,
  DROP_MAC1,
  DROP_REPLAY,
  DROP_SHORT,
  DROP_SOURCE,
  DROP_TYPE,
  EVENT_CONFIRMED,
  EVENT_DATA,
  EVENT_KEEPALIVE,
  EVENT_REKEY,
  INITIATION_BYTES,
  KEEPALIVE_BYTES,
  MESSAGE_COOKIE_REPLY,
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  MESSAGE_TRANSPORT,
  PEER_FLAG_REKEY_ASKED,
  RECEIVE_STALLED,
  RESPONSE_BYTES,
  TRANSPORT_HEADER_BYTES,
} from "../abi";
import { FORK_BLOCK, GATHER_ENTRIES, REJECT_AFTER_MESSAGES, REKEY_WHEN_RECEIVING, WRITES } from "../constants";
import { NO_COUNTER, openPacket, packetsBegin, packetsEnd } from "../crypto/packet-aead";
import { gather, writes } from "../memory/layout";
import { Sharing } from "../memory/sharing";
import { ThreadState } from "../memory/thread-state";
import { checkMac1 } from "../noise/cookie";
import { enqueueHandshake } from "../noise/queue";
import { coalesceAdd, coalesceBegin, coalesceFinish, coalesceNext } from "../packet/coalesce";
import { decapsulate } from "../packet/ecn";
import { innerLength, source, version } from "../packet/ip";
import { KIND_OPEN } from "../records/fork";
import { RxRecord } from "../records/rx";
import { AllowedIps } from "../routing/allowed-ips";
import { IndexTable, NO_OWNER } from "../routing/index-table";
import { Peers } from "../routing/peers";
import { countDrop } from "./drops";
import { touch } from "./events";
import { Fork } from "./fork";
import { Helpers } from "./helpers";
import { Keypair } from "./keypair";
import { Keypairs } from "./keypairs";
import { followPath } from "./roaming";

/** The keypair whose receiving key is set up in the AEAD; of this instance, within one `receive`. */
let openKeypair: usize = 0;

/** Index that the last message named, and what lookUp said of it; of this instance, within one `receive`. */
let latestIndex: u32 = 0;
let latestOwner: u32 = NO_OWNER;

/** Whose packet was taken last, and the outer TOS that it came with; of this instance. */
let latestPeer: u32 = 0;
let latestTos: u32 = 0;

/**
 * Take the first `count` RX descriptors.
 * @returns writes for the TUN device, described from `writes` on; RECEIVE_STALLED when another thread keeps some of the messages
 */
export function receive(count: u32, now: f64): i32 {
  const self = ThreadState.get();
  coalesceBegin(self.base, gather, GATHER_ENTRIES, writes, WRITES, self.vnet, self.mergeTcp, self.mergeUdp);
  openKeypair = 0;
  latestOwner = NO_OWNER;
  const shared = Sharing.on && Helpers.shall(bytesOf(count));
  if (shared) Fork.begin(KIND_OPEN);
  for (let i: u32 = 0; i < count; i++) {
    const descriptor = RxRecord.of(i);
    const segment = descriptor.segment;
    let at: usize = descriptor.offset;
    let left = descriptor.length;
    if (left === 0) countDrop(DROP_SHORT);
    while (left > 0) {
      const length = segment ? min(segment, left) : left;
      left -= length;
      if (isTransport(at, length, descriptor.path.bytes)) {
        if (!shared) open(at, length, descriptor, now, left ? 1 : count - i - 1);
        else if (!list(at, length, i, now)) return RECEIVE_STALLED;
      }
      at += length;
    }
  }
  if (openKeypair) packetsEnd();
  if (shared && !admitListed(now)) return RECEIVE_STALLED;
  return coalesceFinish();
}

function bytesOf(count: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < count; i++) bytes += RxRecord.of(i).length;
  return bytes;
}

/** Whether this is a transport message. Handshake messages are queued, all else is counted and dropped. */
function isTransport(message: usize, length: u32, path: usize): bool {
  if (length < <u32>KEEPALIVE_BYTES) return refused(DROP_SHORT);
  const type = load<u32>(message); // with the three reserved bytes, which are zero
  if (type === MESSAGE_TRANSPORT) return true;
  const wanted: u32 =
    type === MESSAGE_INITIATION
      ? INITIATION_BYTES
      : type === MESSAGE_RESPONSE
        ? RESPONSE_BYTES
        : type === MESSAGE_COOKIE_REPLY
          ? COOKIE_REPLY_BYTES
          : 0;
  if (length !== wanted) return refused(DROP_TYPE);
  // Before it takes a place in the queue: whoever does not know our public key shall not keep others out of it.
  if (type !== MESSAGE_COOKIE_REPLY && !checkMac1(message, length)) return refused(DROP_MAC1);
  enqueueHandshake(message, length, path);
  return false;
}

/** @returns owner of the keypair that a transport message names, if it may be opened with it; else NO_OWNER, which is counted */
function ownerOf(message: usize, now: f64): u32 {
  const index = load<u32>(message, 4);
  if (latestOwner === NO_OWNER || index !== latestIndex) {
    latestIndex = index;
    latestOwner = lookUp(index, now);
  }
  if (latestOwner === NO_OWNER) return NO_OWNER;
  return load<u64>(message, 8) < REJECT_AFTER_MESSAGES ? latestOwner : nobody(DROP_REPLAY);
}

/** The part of it that is the same for all messages of a keypair, until one of another is admitted. */
function lookUp(index: u32, now: f64): u32 {
  const owner = IndexTable.find(index);
  if (owner === NO_OWNER || (owner & 3) === 0) return nobody(DROP_INDEX);
  return Keypair.of(owner >> 2, owner & 3).fresh(now) ? owner : nobody(DROP_EXPIRED);
}

/** One transport message. @param waiting  how many messages come behind this one in the batch, at least */
function open(message: usize, length: u32, descriptor: RxRecord, now: f64, waiting: u32): void {
  const owner = ownerOf(message, now);
  if (owner === NO_OWNER) return;
  const keypair = Keypair.of(owner >> 2, owner & 3);
  if (openKeypair !== changetype<usize>(keypair)) {
    if (openKeypair) packetsEnd();
    packetsBegin(keypair.receivingKey);
    openKeypair = changetype<usize>(keypair);
  }
  const packet = message + TRANSPORT_HEADER_BYTES;
  const counter = load<u64>(message, 8);
  const expected = waiting ? counter + 1 : NO_COUNTER;
  if (!openPacket(packet, packet, length - KEEPALIVE_BYTES, counter, expected)) return countDrop(DROP_AUTHENTICATION);
  admit(owner, message, length, descriptor, now);
}

/** One transport message, for any thread to open. @returns as admitListed */
function list(message: usize, length: u32, descriptor: u32, now: f64): bool {
  const owner = ownerOf(message, now);
  if (owner === NO_OWNER) return true;
  if (Fork.isFull) {
    if (!admitListed(now)) return false;
    Fork.begin(KIND_OPEN);
  }
  Fork.add(message, length, owner, descriptor);
  return true;
}

/** Have all that is listed opened, and go on with it in order. @returns false when another thread keeps some of it */
function admitListed(now: f64): bool {
  Fork.workThrough();
  for (let i: u32 = 0; i < Fork.count; i++) {
    if (i % FORK_BLOCK === 0 && !Fork.isDone(i)) return false;
    const job = Fork.job(i);
    if (job.opened) admit(job.owner, job.message, job.length, RxRecord.of(job.descriptor), now);
    else countDrop(DROP_AUTHENTICATION);
  }
  return true;
}

/** A message whose tag was right, and which is plaintext now. */
function admit(owner: u32, message: usize, length: u32, descriptor: RxRecord, now: f64): void {
  const peer = owner >> 2;
  if (!Keypair.of(peer, owner & 3).accept(load<u64>(message, 8))) return countDrop(DROP_REPLAY);
  if (confirm(peer, owner & 3)) touch(peer, EVENT_CONFIRMED);
  followPath(peer, descriptor.path.bytes);
  keepKeyFresh(peer, now);
  const plain = length - KEEPALIVE_BYTES;
  if (plain === 0) {
    touch(peer, EVENT_KEEPALIVE);
    return countReceived(peer, length);
  }
  touch(peer, EVENT_DATA);
  if (deliver(peer, message + TRANSPORT_HEADER_BYTES, plain, descriptor.tos)) countReceived(peer, length);
}

function confirm(peer: u32, number: u32): bool {
  return Sharing.on ? Keypairs.noteConfirmed(peer, number) : Keypairs.confirm(peer, number);
}

/** As in the kernel, a message counts once what is inside has passed as well. */
function countReceived(peer: u32, length: u32): void {
  Sharing.count(Peers.record(peer).rxAt, length);
}

/**
 * The last-minute rekey of a receiving initiator, once per session. What counts is the age of the keypair in use, not
 * that of the one a late message came under.
 */
function keepKeyFresh(peer: u32, now: f64): void {
  const number = Keypairs.inUse(peer);
  if (!number) return;
  const keypair = Keypair.of(peer, number);
  if (!keypair.initiator || keypair.retired || now - keypair.createdAt < REKEY_WHEN_RECEIVING) return;
  if (atomic.or<u32>(Peers.record(peer).flagsAt, PEER_FLAG_REKEY_ASKED) & PEER_FLAG_REKEY_ASKED) return;
  touch(peer, EVENT_REKEY);
}

/** The inner checks: a whole IP packet, from an address that is this peer's. @returns whether they passed */
function deliver(peer: u32, packet: usize, plain: u32, tos: u32): bool {
  const length = innerLength(packet, plain);
  if (length === 0) return refused(DROP_INNER_PACKET);
  // With the headers of packets that were taken: the source is this peer's as theirs was, and no mark of congestion is to be carried in.
  if (peer === latestPeer && tos === latestTos && coalesceNext(packet, length)) return true;
  const kind = version(packet, length);
  if (AllowedIps.routeOf(source(packet, kind), kind) !== <i32>peer) return refused(DROP_SOURCE);
  decapsulate(packet, kind, tos);
  // The area for one batch has room for all that RX_SLOTS messages can hold in whole trains; tiny datagrams may overflow it.
  if (!coalesceAdd(packet, length)) return refused(DROP_BATCH);
  latestPeer = peer;
  latestTos = tos;
  return true;
}

function refused(reason: u32): bool {
  countDrop(reason);
  return false;
}

function nobody(reason: u32): u32 {
  countDrop(reason);
  return NO_OWNER;
}
