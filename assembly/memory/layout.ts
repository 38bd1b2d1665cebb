/**
 * The layout of linear memory: where each region starts. Regions are sized for the most peers the
 * device may have, once, when the host creates the memory; pages that nobody touches cost nothing.
 *
 *   static data │ SECRETS: identity, secrets and keypairs of peers, UAPI areas, scratch per thread │
 *   peers, index table, key table, allowed-ips nodes, multiples of X25519's base point, of peers' keys and of
 *   initiators' ephemeral ones, who helps whom │
 *   for each thread: settings, queue, receive, transmit, TUN, what others may help with
 *
 * Everything between `secretsBegin` and `secretsEnd` may hold key material: the host locks it and keeps
 * it out of core dumps. What lives longest comes first, for a process that may not lock all of it.
 * All addresses are page-aligned unless said otherwise. The same numbers come out in every instance that is
 * attached with the same arguments.
 */
import {
  GATHER_BYTES,
  IDENTITY_BYTES,
  IO_CONTROL_BYTES,
  MESSAGE_BYTES_MAX,
  PEER_BYTES,
  QUEUED_BYTES,
  RANDOM_BYTES,
  RX_BYTES,
  RX_SLOTS,
  SECRET_EXCHANGE_BYTES,
  SECRET_GROUP_BYTES,
  SECRET_GROUP_PEERS,
  TX_BYTES,
  TX_TRAINS,
  WRITE_BYTES,
} from "../abi";
import {
  COMB_SLOTS,
  GATHER_ENTRIES,
  HANDSHAKE_QUEUE,
  TOUCHED,
  UAPI_AREA_BYTES,
  UAPI_SESSIONS,
  WRITES,
} from "../constants";
import { BASE_TABLE_BYTES, setBaseTable } from "../crypto/base-table";
import { FRESH_BYTES } from "../crypto/comb-fresh";
import { CombTable } from "../crypto/comb-table";
import { FORK_BYTES } from "../records/fork";
import { SCRATCH_BYTES } from "./scratch";

const PAGE: usize = 4096;

/** Four results of Diffie-Hellman, with what they are of (noise/agreed.ts checks it). */
export const AGREED_BYTES: usize = 256;

/** What two answers take of X25519, with what they answer (noise/answers.ts checks it). */
export const ANSWERS_BYTES: usize = 352;

/** Tables of two pairs of ephemeral keys, with these (noise/fresh.ts checks it). */
export const FRESH_PLACES_BYTES: usize = 2 * (FRESH_BYTES + 64);

/** Three cache lines (transport/helpers.ts checks it). */
export const HELPERS_BYTES: usize = 192;

/** Bytes of one allowed-ips node (routing/allowed-ips.ts checks it). */
export const ROUTE_BYTES: usize = 56;

export let maxPeers: u32 = 0;
export let maxRoutes: u32 = 0;
export let secretsBegin: usize = 0;
export let identity: usize = 0;
export let random: usize = 0;
export let secretExchange: usize = 0;
export let agreed: usize = 0;
export let answers: usize = 0;
/** Groups of SECRET_GROUP_PEERS slots: memory/peer-secrets.ts knows the rest. */
export let peerSecrets: usize = 0;
export let uapiAreas: usize = 0;
/** Of the first thread; the others' follow. */
export let scratches: usize = 0;
export let secretsEnd: usize = 0;
/** Whose memory this is. */
export let thread: u32 = 0;
/** What threads that help each other share. */
export let helpers: usize = 0;
/** Of this thread, as all from `touched` to `fork`. */
export let device: usize = 0;
/** Of thread 0, where the settings are made. */
export let firstDevice: usize = 0;
export let peers: usize = 0;
export let keyTable: usize = 0;
export let keyTableMask: u32 = 0;
export let indexTable: usize = 0;
export let indexTableMask: u32 = 0;
export let routes: usize = 0;
/** A table of multiples for each of the first slots (noise/combs.ts): how many, and where. */
export let combSlots: u32 = 0;
export let combs: usize = 0;
/** Tables of ephemeral keys of initiations (noise/fresh.ts); 0 where there is no room. */
export let fresh: usize = 0;
export let drops: usize = 0;
export let touched: usize = 0;
export let handshakeQueue: usize = 0;
export let rxDescriptors: usize = 0;
export let rxBuffers: usize = 0;
export let txDescriptors: usize = 0;
export let txBuffers: usize = 0;
export let gather: usize = 0;
export let writes: usize = 0;
export let tunBuffer: usize = 0;
export let ioControl: usize = 0;
export let fork: usize = 0;
/** A page for small answers to the host, and its small questions. */
export let exchange: usize = 0;
/** An ICMP error on its way to the TUN device. */
export let icmpBuffer: usize = 0;
export let memoryEnd: usize = 0;

let cursor: usize = 0;
/** The first thread's, and how far those of the next are from them. */
let firstFork: usize = 0;
let block: usize = 0;

/** `fork` of another thread. */
export function forkOf(other: u32): usize {
  return firstFork + block * other;
}

/** Take `bytes` at the next page. */
function region(bytes: usize): usize {
  const start = cursor;
  cursor = (start + bytes + PAGE - 1) & ~(PAGE - 1);
  return start;
}

/** Smallest power of two that is at least `n`. */
function powerOfTwo(n: u32): u32 {
  return n < 2 ? 1 : (<u32>1) << (32 - clz(n - 1));
}

/**
 * Lay memory out for `peerLimit` peers, `routeLimit` allowed-ips nodes and `threads` threads at the most.
 * @returns address of this thread's scratch memory
 */
export function layOut(heapBase: usize, peerLimit: u32, routeLimit: u32, self: u32, threads: u32): usize {
  thread = self;
  maxPeers = peerLimit;
  maxRoutes = routeLimit;
  cursor = (heapBase + PAGE - 1) & ~(PAGE - 1);

  secretsBegin = cursor;
  identity = region(IDENTITY_BYTES + RANDOM_BYTES + SECRET_EXCHANGE_BYTES + AGREED_BYTES + ANSWERS_BYTES);
  random = identity + IDENTITY_BYTES;
  secretExchange = random + RANDOM_BYTES;
  agreed = secretExchange + SECRET_EXCHANGE_BYTES;
  answers = agreed + AGREED_BYTES;
  peerSecrets = region(SECRET_GROUP_BYTES * <usize>((peerLimit + SECRET_GROUP_PEERS - 1) / <u32>SECRET_GROUP_PEERS));
  uapiAreas = region(2 * UAPI_AREA_BYTES * UAPI_SESSIONS);
  scratches = region(SCRATCH_BYTES * threads);
  secretsEnd = cursor;

  peers = region(<usize>PEER_BYTES * peerLimit);
  const keySlots = powerOfTwo(2 * peerLimit);
  keyTableMask = keySlots - 1;
  keyTable = region(4 * keySlots);
  const indexSlots = powerOfTwo(8 * peerLimit);
  indexTableMask = indexSlots - 1;
  indexTable = region(8 * indexSlots);
  routes = region(ROUTE_BYTES * (routeLimit + 1));
  setBaseTable(region(BASE_TABLE_BYTES)); // of all threads: the first, which makes all handshakes, fills it
  combSlots = threads > 1 ? min(peerLimit, COMB_SLOTS) : 0;
  combs = region(CombTable.bytes * combSlots);
  fresh = combSlots > 0 ? region(FRESH_PLACES_BYTES) : 0;
  drops = region(1024);
  exchange = region(PAGE);
  icmpBuffer = region(PAGE);
  helpers = region(HELPERS_BYTES);

  // All blocks are alike: the first tells how large they are.
  firstDevice = cursor;
  layOutThread();
  block = cursor - firstDevice;
  firstFork = fork;
  cursor = firstDevice + block * self;
  layOutThread();
  memoryEnd = firstDevice + block * threads;

  return scratches + SCRATCH_BYTES * self;
}

/** What each thread has for itself. */
function layOutThread(): void {
  device = region(256);
  touched = region(4 * TOUCHED);
  handshakeQueue = region(QUEUED_BYTES * HANDSHAKE_QUEUE);
  rxDescriptors = region(RX_BYTES * RX_SLOTS);
  rxBuffers = region(MESSAGE_BYTES_MAX * RX_SLOTS);
  txDescriptors = region(TX_BYTES * TX_TRAINS);
  txBuffers = region(MESSAGE_BYTES_MAX * TX_TRAINS);
  gather = region(GATHER_BYTES * GATHER_ENTRIES);
  writes = region(WRITE_BYTES * WRITES);
  tunBuffer = region(<usize>MESSAGE_BYTES_MAX + PAGE);
  ioControl = region(IO_CONTROL_BYTES);
  fork = region(FORK_BYTES);
}
