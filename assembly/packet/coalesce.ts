/**
 * Segments to superpackets: a batch of decrypted packets becomes few writes to a TUN device with vnet headers.
 * What the kernel's GRO does (inet_gro_receive, tcp_gro_receive, udp_gro_receive), but only by appending.
 * Packets stay where they are: a write gathers the first one with the vnet header put before it, then the payloads
 * of the others. The VNET_BYTES before each packet are free to be overwritten, and all stays untouched until written.
 * Writes come in the order of their first packets, and only a flow's newest item grows: no flow is reordered.
 */
import { GATHER_BYTES, VNET_BYTES } from "../abi";
import { SCRATCH, SCRATCH_PACKET } from "../memory/scratch";
import { GatherEntry, WriteRecord } from "../records/write";
import {
  FLOW_PORTS,
  FLOW_UNKNOWN,
  flowHash,
  flowKind,
  mergeableHeaders,
  protocolOf,
  sameFlow,
  sameHeaders,
  transportOf,
} from "./flow";
import { FRAGMENT_DF, IPV4_FRAGMENT, IPV4_HEADER, IPV4_ID, load16, TCP } from "./ip";
import { plainVnet, superpacketHeaders } from "./superpacket";
import { FLAG_PSH, TCP_FLAGS, TCP_SEQUENCE } from "./transport-header";

/** Packets of one batch; what SCRATCH_PACKET has room for. */
export const COALESCE_PACKETS_MAX: u32 = 640;

const SUPERPACKET_MAX: u32 = 65535;
const UDP_SEGMENTS_MAX: u32 = 64; // what every kernel splits again (UDP_MAX_SEGMENTS)
const FLOWS: u32 = 128; // power of two
const PROBES: u32 = 4;

/** How IPv4 identifications go on within an item (RFC 6864): not yet known, +1 each, all the same. */
const ID_ANY: u8 = 0;
const ID_COUNTS: u8 = 1;
const ID_FIXED: u8 = 2;

@unmanaged
class Batch {
  memoryBase: u64;
  gather: usize;
  gatherCapacity: u32;
  writes: usize;
  writeCapacity: u32;
  vnet: u32;
  mergeTcp: u32;
  mergeUdp: u32;
  packets: u32;
  items: u32;
  /** Where the newest packet went; null before the first. */
  latest: Item | null;
}

/** One write to be: a packet, or several of a flow. */
@unmanaged
class Item {
  /** Its first packet, whose headers stand for all. */
  packet: usize;
  /** Bytes of the whole superpacket. */
  length: u32;
  /** TCP sequence number that would continue it. */
  sequence: u32;
  segment: u16;
  /** Bytes of all headers; 0 for a packet that passes as it is. */
  headers: u16;
  count: u16;
  firstPart: u16;
  lastPart: u16;
  /** 1 while segments may be appended. */
  open: u8;
  ids: u8;
  /** FLAG_PSH once a segment had it. */
  push: u8;
}

/** What one packet adds to an item: its payload. An item's first part only starts the chain. */
@unmanaged
class Part {
  address: usize;
  length: u16;
  /** Index of the next part, 0 at the end: part 0 is the first of the first item. */
  next: u16;
}

const ITEM_BYTES: usize = 28;
const PART_BYTES: usize = 8;

// SCRATCH_PACKET: 256 bytes for the split, then batch, flow table (item index + 1 or 0), items, parts.
const BATCH: usize = SCRATCH_PACKET + 256;
const TABLE: usize = BATCH + 64;
const TABLE_BYTES: usize = <usize>FLOWS * 2;
const ITEMS: usize = TABLE + TABLE_BYTES;
const PARTS: usize = ITEMS + <usize>COALESCE_PACKETS_MAX * ITEM_BYTES;

function batch(): Batch {
  return changetype<Batch>(SCRATCH + BATCH);
}

function itemAt(index: u32): Item {
  return changetype<Item>(SCRATCH + ITEMS + <usize>index * ITEM_BYTES);
}

function partAt(index: u32): Part {
  return changetype<Part>(SCRATCH + PARTS + <usize>index * PART_BYTES);
}

/**
 * Begin a batch.
 * @param memoryBase  machine address of linear memory
 * @param gather      room for `gatherCapacity` gather entries
 * @param writes      room for `writeCapacity` write descriptors
 * @param vnet        0 when the device has no vnet headers: every packet is then written alone and bare
 * @param mergeTcp    0 when the device takes no TCP superpackets (TUN_F_TSO4 and TUN_F_TSO6)
 * @param mergeUdp    0 when the device takes no UDP superpackets (TUN_F_USO4 and TUN_F_USO6)
 */
export function coalesceBegin(
  memoryBase: u64,
  gather: usize,
  gatherCapacity: u32,
  writes: usize,
  writeCapacity: u32,
  vnet: u32,
  mergeTcp: u32,
  mergeUdp: u32,
): void {
  const b = batch();
  b.memoryBase = memoryBase;
  b.gather = gather;
  b.gatherCapacity = min(gatherCapacity, COALESCE_PACKETS_MAX);
  b.writes = writes;
  b.writeCapacity = writeCapacity;
  b.vnet = vnet;
  b.mergeTcp = vnet ? mergeTcp : 0;
  b.mergeUdp = vnet ? mergeUdp : 0;
  b.packets = 0;
  b.items = 0;
  b.latest = null;
  forgetFlows();
}

/**
 * As coalesceAdd, for a packet that goes on with the item that the newest one went into: most do, and their flow need not be looked up.
 * @returns false, with nothing changed, when it does not
 */
export function coalesceNext(packet: usize, length: u32): bool {
  const b = batch();
  const item = b.latest;
  if (!item) return false;
  if (!item.open || isFull(b)) return false;
  const headers: u32 = item.headers;
  if (length <= headers || !sameHeaders(item.packet, packet, headers) || !fits(item, packet, length)) return false;
  // The dearest comes last: it sums the whole packet.
  if (mergeableHeaders(packet, length) !== headers) return false;
  grow(b, item, packet, length);
  return true;
}

/**
 * Add a packet of exactly `length` > 0 bytes, as `innerLength` gave it.
 * @returns false, with nothing changed, when the batch is full: finish it, write it, begin anew
 */
export function coalesceAdd(packet: usize, length: u32): bool {
  const b = batch();
  if (isFull(b)) return false;
  if (b.mergeTcp | b.mergeUdp) {
    const kind = flowKind(packet, length);
    if (kind === FLOW_PORTS) {
      addToFlow(b, packet, length);
      return true;
    }
    // It must not be overtaken by what follows, wherever it belongs.
    if (kind === FLOW_UNKNOWN) forgetFlows();
  }
  newItem(b, packet, length);
  return true;
}

/** End the batch: fix headers, fill the gather list and the write descriptors. @returns number of writes */
export function coalesceFinish(): u32 {
  const b = batch();
  const items = b.items;
  const vnet: u32 = b.vnet ? VNET_BYTES : 0;
  let entry = b.gather;
  for (let i: u32 = 0; i < items; i++) {
    const item = itemAt(i);
    const merged = item.count > 1;
    if (merged) superpacketHeaders(item.packet, item.length, item.headers, item.segment, item.push);
    else if (vnet) plainVnet(item.packet);

    const write = WriteRecord.at(b.writes, i);
    write.gather = <u32>entry;
    write.count = item.count;
    write.length = vnet + item.length;

    const first: u32 = merged ? <u32>item.headers + item.segment : item.length;
    entry = gatherOne(b, entry, item.packet - vnet, vnet + first);
    let next: u32 = partAt(item.firstPart).next;
    while (next) {
      const part = partAt(next);
      entry = gatherOne(b, entry, part.address, part.length);
      next = part.next;
    }
  }
  b.items = 0;
  b.packets = 0;
  return items;
}

function isFull(b: Batch): bool {
  return b.packets >= b.gatherCapacity || b.items >= b.writeCapacity;
}

function gatherOne(b: Batch, entry: usize, address: usize, length: u32): usize {
  GatherEntry.at(entry).address = b.memoryBase + address;
  GatherEntry.at(entry).length = length;
  return entry + GATHER_BYTES;
}

function addToFlow(b: Batch, packet: usize, length: u32): void {
  const tcp = protocolOf(packet) === TCP;
  if (!(tcp ? b.mergeTcp : b.mergeUdp)) {
    newItem(b, packet, length);
    return;
  }
  const headers = mergeableHeaders(packet, length);
  const slot = findFlow(packet);
  const newest: u32 = load<u16>(slot);
  const known = newest !== 0 && sameFlow(itemAt(newest - 1).packet, packet);
  if (headers && known && continues(itemAt(newest - 1), packet, length, headers)) {
    return grow(b, itemAt(newest - 1), packet, length);
  }

  const item = newItem(b, packet, length);
  // A packet that cannot be merged only matters where it ends what came before.
  if (headers || known) store<u16>(slot, <u16>b.items);
  if (headers === 0) return;
  const transport = packet + transportOf(packet);
  item.headers = <u16>headers;
  item.segment = <u16>(length - headers);
  item.open = 1;
  if (tcp) {
    item.sequence = bswap<u32>(load<u32>(transport, TCP_SEQUENCE)) + length - headers;
    if (load<u8>(transport, TCP_FLAGS) & FLAG_PSH) item.open = 0;
  }
}

/** A packet as an item of its own, closed. */
function newItem(b: Batch, packet: usize, length: u32): Item {
  const item = itemAt(b.items++);
  item.packet = packet;
  item.length = length;
  item.headers = 0;
  item.count = 1;
  item.open = 0;
  item.push = 0;
  item.ids = ID_ANY;
  item.firstPart = newPart(b, 0, 0);
  item.lastPart = item.firstPart;
  b.latest = item;
  return item;
}

function newPart(b: Batch, address: usize, length: u32): u16 {
  const index = b.packets++;
  const part = partAt(index);
  part.address = address;
  part.length = <u16>length;
  part.next = 0;
  return <u16>index;
}

/** Whether a mergeable packet and its flow's newest item make one superpacket. */
function continues(item: Item, packet: usize, length: u32, headers: u32): bool {
  return headers === item.headers && sameHeaders(item.packet, packet, headers) && fits(item, packet, length);
}

/** The same where the headers agree already. */
function fits(item: Item, packet: usize, length: u32): bool {
  const payload = length - item.headers;
  if (!item.open || payload > item.segment || item.length + payload > SUPERPACKET_MAX) return false;
  const transport = transportOf(packet);
  if (protocolOf(packet) === TCP) {
    if (bswap<u32>(load<u32>(packet + transport, TCP_SEQUENCE)) !== item.sequence) return false;
  } else if (item.count >= UDP_SEGMENTS_MAX) {
    return false;
  }
  return transport !== IPV4_HEADER || identificationFits(item, packet);
}

/** Append a packet that fits. */
function grow(b: Batch, item: Item, packet: usize, length: u32): void {
  const headers: u32 = item.headers;
  const payload = length - headers;
  const transport = transportOf(packet);
  if (transport === IPV4_HEADER && item.ids === ID_ANY) {
    item.ids = identificationDistance(item, packet) ? ID_COUNTS : ID_FIXED;
  }
  const part = newPart(b, packet + headers, payload);
  partAt(item.lastPart).next = part;
  item.lastPart = part;
  item.count++;
  item.length += payload;
  item.sequence += payload;
  if (payload < item.segment) item.open = 0;
  if (protocolOf(packet) === TCP && load<u8>(packet + transport, TCP_FLAGS) & FLAG_PSH) {
    item.push = <u8>FLAG_PSH;
    item.open = 0;
  }
  b.latest = item;
}

/**
 * Identifications count up; where DF makes them meaningless (RFC 6864) they may also stay the same. The kernel is as strict; but of UDP
 * that was sent quicker than a queue could take, every datagram lost would end an item here: under DF they may be anything.
 */
function identificationFits(item: Item, packet: usize): bool {
  const atomic = (load16(packet + IPV4_FRAGMENT) & FRAGMENT_DF) !== 0;
  if (atomic && protocolOf(packet) !== TCP) return true;
  const distance = identificationDistance(item, packet);
  const counts = distance === item.count && item.ids !== ID_FIXED;
  const fixed = distance === 0 && atomic && item.ids !== ID_COUNTS;
  return counts || fixed;
}

function identificationDistance(item: Item, packet: usize): u32 {
  return (load16(packet + IPV4_ID) - load16(item.packet + IPV4_ID)) & 0xffff;
}

function forgetFlows(): void {
  memory.fill(SCRATCH + TABLE, 0, TABLE_BYTES);
}

/** Slot of the packet's flow, else a free one, else one to take over, whose item then grows no more. */
function findFlow(packet: usize): usize {
  const table = SCRATCH + TABLE;
  const home = flowHash(packet);
  for (let i: u32 = 0; i < PROBES; i++) {
    const slot = table + (((home + i) & (FLOWS - 1)) << 1);
    const newest: u32 = load<u16>(slot);
    if (newest === 0 || sameFlow(itemAt(newest - 1).packet, packet)) return slot;
  }
  return table + ((home & (FLOWS - 1)) << 1);
}
