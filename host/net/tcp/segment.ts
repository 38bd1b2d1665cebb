/**
 * The segment being received (RFC 9293 §3.1), with its options (§3.2; RFC 7323, RFC 2018): one object for all, filled anew each time.
 * Sequence numbers are as on the wire; whoever knows the connection makes positions of them.
 */
import { fold, sum } from "../checksum.ts";
import type { NetCounters } from "../counters.ts";
import type { Inbound, Ownership } from "../inbound.ts";
import { CHECKSUM_OFFSET, HEADER_BYTES } from "./constants.ts";

const END = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const SACK_BLOCKS_MAX = 4;

export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  /** As in the header: not scaled. */
  window = 0;
  bytes: Uint8Array = new Uint8Array(0);
  ownership: Ownership = "lent";
  payloadStart = 0;
  payloadEnd = 0;
  /** Payload bytes of each merged segment; of a single one its own. */
  segmentBytes = 0;
  congested = false;

  /** 0: not there. */
  mss = 0;
  /** -1: not there. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  /** Pairs of start and end, as on the wire. */
  readonly sack = new Int32Array(2 * SACK_BLOCKS_MAX);
  sackBlocks = 0;

  /** @returns whether it is well-formed; why it is not is counted */
  read(packet: Inbound, counters: NetCounters): boolean {
    const { view, start, end } = packet;
    const length = end - start;
    if (length < HEADER_BYTES) return drop(counters, "tcpMalformed");
    const header = (view.getUint8(start + 12) >> 4) << 2;
    if (header < HEADER_BYTES || header > length) return drop(counters, "tcpMalformed");
    if (!packet.checksumKnown) {
      // The field lies in the sum, so that a right one makes all ones.
      if (fold(sum(view, start, end) + packet.pseudoHeader(length)) !== 0xffff) return drop(counters, "tcpChecksum");
    }
    this.sourcePort = view.getUint16(start);
    this.destinationPort = view.getUint16(start + 2);
    if (this.sourcePort === 0 || this.destinationPort === 0) return drop(counters, "tcpMalformed");
    this.sequence = view.getInt32(start + 4);
    this.acknowledgement = view.getInt32(start + 8);
    this.flags = view.getUint8(start + 13);
    this.window = view.getUint16(start + 14);
    this.bytes = packet.bytes;
    this.ownership = packet.ownership;
    this.payloadStart = start + header;
    this.payloadEnd = end;
    const payload = length - header;
    this.segmentBytes = packet.segment > 0 && packet.segment < payload ? packet.segment : payload;
    this.congested = (packet.trafficClass & 3) === 3;
    this.#clearOptions();
    if (header > HEADER_BYTES && !this.#readOptions(view, start + HEADER_BYTES, start + header)) {
      return drop(counters, "tcpOptions");
    }
    return true;
  }

  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart;
  }

  #clearOptions(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.timestamp = 0;
    this.timestampEcho = 0;
    this.sackBlocks = 0;
  }

  /** What data segments nearly always have, and nothing else: RFC 7323 appendix A. */
  #readOptions(view: DataView, at: number, end: number): boolean {
    if (end - at === 12 && view.getInt32(at) === 0x0101080a) {
      this.#readTimestamps(view, at + 4);
      return true;
    }
    while (at < end) {
      const kind = view.getUint8(at);
      if (kind === END) return true;
      if (kind === NO_OPERATION) {
        at += 1;
        continue;
      }
      if (at + 2 > end) return false;
      const length = view.getUint8(at + 1);
      if (length < 2 || at + length > end) return false;
      if (!this.#readOption(view, kind, at, length)) return false;
      at += length;
    }
    return true;
  }

  /** Unknown kinds are passed over; known ones of a wrong length are malformed. */
  #readOption(view: DataView, kind: number, at: number, length: number): boolean {
    switch (kind) {
      case MAXIMUM_SEGMENT_SIZE:
        if (length !== 4) return false;
        this.mss = view.getUint16(at + 2);
        return true;
      case WINDOW_SCALE:
        if (length !== 3) return false;
        this.windowScale = view.getUint8(at + 2);
        return true;
      case SACK_PERMITTED:
        if (length !== 2) return false;
        this.sackPermitted = true;
        return true;
      case TIMESTAMPS:
        if (length !== 10) return false;
        this.#readTimestamps(view, at + 2);
        return true;
      case SACK: {
        if ((length - 2) % 8 !== 0 || length < 10) return false;
        this.sackBlocks = Math.min((length - 2) / 8, SACK_BLOCKS_MAX);
        for (let i = 0; i < 2 * this.sackBlocks; i++) this.sack[i] = view.getInt32(at + 2 + 4 * i);
        return true;
      }
      default:
        return true;
    }
  }

  #readTimestamps(view: DataView, at: number): void {
    this.hasTimestamps = true;
    this.timestamp = view.getInt32(at);
    this.timestampEcho = view.getInt32(at + 4);
  }
}

function drop(counters: NetCounters, reason: Parameters<NetCounters["add"]>[0]): false {
  counters.add(reason);
  return false;
}

/** What a segment of ours says besides its payload. Filled anew for each, as `Segment`. */
export class Header {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  window = 0;
  mss = 0;
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  /** As on the wire, newest first. */
  readonly sack = new Int32Array(2 * SACK_BLOCKS_MAX);
  sackBlocks = 0;

  /** Forget the options. */
  clear(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackBlocks = 0;
  }

  /** Bytes with options, a multiple of four. */
  get length(): number {
    let length = HEADER_BYTES;
    if (this.mss > 0) length += 4;
    if (this.windowScale >= 0) length += 4;
    // NOP NOP in front of timestamps, unless SACK-permitted takes their place.
    if (this.hasTimestamps) length += 12;
    else if (this.sackPermitted) length += 4;
    if (this.sackBlocks > 0) length += 4 + 8 * this.sackBlocks;
    return length;
  }

  /** Write header and options, the checksum excepted. @param length as `length` says */
  write(view: DataView, at: number, length: number): void {
    view.setUint16(at, this.sourcePort);
    view.setUint16(at + 2, this.destinationPort);
    view.setInt32(at + 4, this.sequence);
    view.setInt32(at + 8, this.acknowledgement);
    view.setUint16(at + 12, ((length >> 2) << 12) | this.flags);
    view.setUint16(at + 14, this.window);
    view.setUint32(at + CHECKSUM_OFFSET, 0);
    let option = at + HEADER_BYTES;
    if (this.mss > 0) {
      view.setUint32(option, (MAXIMUM_SEGMENT_SIZE << 24) | (4 << 16) | this.mss);
      option += 4;
    }
    if (this.sackPermitted || this.hasTimestamps) {
      const first = this.sackPermitted ? (SACK_PERMITTED << 8) | 2 : (NO_OPERATION << 8) | NO_OPERATION;
      const second = this.hasTimestamps ? (TIMESTAMPS << 8) | 10 : (NO_OPERATION << 8) | NO_OPERATION;
      view.setUint16(option, first);
      view.setUint16(option + 2, second);
      option += 4;
      if (this.hasTimestamps) {
        view.setInt32(option, this.timestamp);
        view.setInt32(option + 4, this.timestampEcho);
        option += 8;
      }
    }
    if (this.windowScale >= 0) {
      view.setUint32(option, (NO_OPERATION << 24) | (WINDOW_SCALE << 16) | (3 << 8) | this.windowScale);
      option += 4;
    }
    if (this.sackBlocks > 0) {
      const kinds = (NO_OPERATION << 24) | (NO_OPERATION << 16) | (SACK << 8) | (2 + 8 * this.sackBlocks);
      view.setUint32(option, kinds);
      option += 4;
      for (let i = 0; i < 2 * this.sackBlocks; i++, option += 4) view.setInt32(option, this.sack[i]!);
    }
  }
}
