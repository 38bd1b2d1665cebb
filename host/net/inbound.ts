/**
 * The packet being received: one object for the whole stack, filled anew by ip/input.ts for each packet. Transports read it and keep
 * nothing of it but copies, or views of `bytes` where these were given and not lent.
 */
import { IpAddress } from "./address.ts";

/** Whether the bytes may be kept: "lent" until the call returns, or "given", never to be written again. */
export type Ownership = "lent" | "given";

export class Inbound {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  ownership: Ownership = "lent";
  /** Only what we sent to ourselves may come from an address of ours. */
  origin: "tunnel" | "loopback" = "tunnel";
  family: 4 | 6 = 4;
  /** Where the IP header starts. */
  packet = 0;
  /** Where the transport header starts, and where the packet ends. */
  start = 0;
  end = 0;
  protocol = 0;
  /** Where the byte is that names it. */
  protocolAt = 0;
  /** Traffic class: DSCP and, in the two lowest bits, ECN. */
  trafficClass = 0;
  hopLimit = 0;
  /** Payload bytes of each merged segment; 0 for a single packet. */
  segment = 0;
  /** The transport checksum need not be looked at: merged and verified by the core, or made in this machine. */
  checksumKnown = false;

  /** Source and destination as words of IpAddress. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;

  /** Sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) for `length` bytes from `start` on. */
  pseudoHeader(length: number): number {
    const halves = (word: number) => (word >>> 16) + (word & 0xffff);
    let total = this.protocol + length + halves(this.s3) + halves(this.d3);
    if (this.family === 6) {
      total += halves(this.s0) + halves(this.s1) + halves(this.s2);
      total += halves(this.d0) + halves(this.d1) + halves(this.d2);
    }
    return total;
  }

  source(): IpAddress {
    return new IpAddress(this.s0, this.s1, this.s2, this.s3);
  }

  destination(): IpAddress {
    return new IpAddress(this.d0, this.d1, this.d2, this.d3);
  }
}
