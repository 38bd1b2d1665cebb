/**
 * Packets as a capture file that Wireshark opens (pcap, link type RAW: IPv4 and IPv6 without a link header in front). Packets are
 * written as the stack hands them over: merged ones are larger than the link's, and checksums that are still to be computed are wrong.
 */
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from "node:fs";

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const SNAP_BYTES = 262_144;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;

export class PacketCapture {
  #fd: number;

  /** @throws what the system says of the path */
  constructor(path: string) {
    // For its owner alone, also if it was there before: it is what the tunnel keeps from others.
    this.#fd = openSync(path, "w", 0o600);
    if (fstatSync(this.#fd).isFile()) fchmodSync(this.#fd, 0o600);
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, MAGIC_MICROSECONDS, true);
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    header.setUint32(16, SNAP_BYTES, true);
    header.setUint32(20, LINKTYPE_RAW, true);
    writeSync(this.#fd, new Uint8Array(header.buffer));
  }

  /** @param milliseconds since the Unix epoch */
  packet(bytes: Uint8Array, milliseconds: number): void {
    if (this.#fd < 0) return;
    const record = Buffer.alloc(RECORD_BYTES + bytes.length);
    record.writeUInt32LE(Math.floor(milliseconds / 1000), 0);
    record.writeUInt32LE(Math.floor((milliseconds % 1000) * 1000), 4);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    record.set(bytes, RECORD_BYTES);
    try {
      if (writeSync(this.#fd, record) < record.length) this.close();
    } catch {
      // A full disk ends the capture, not the tunnel.
      this.close();
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
