/**
 * An IP address as four 32-bit words (signed, so that engines keep them unboxed): IPv4 in the last word, behind ::ffff:. Words
 * are compared and hashed on the packet path; objects are made where a connection or a socket is, never for a packet.
 * On the wire ::ffff:0:0/96 is refused (RFC 4942 §2.2), so a mapped address can only mean IPv4.
 */

import { ascii } from "../address/ascii.ts";
import { formatAddress, parseAddress } from "../address/ip.ts";

/** Word 2 of an IPv4 address. */
export const MAPPED_WORD = 0xffff;

export class IpAddress {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;

  constructor(w0: number, w1: number, w2: number, w3: number) {
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
  }

  get family(): 4 | 6 {
    return this.w0 === 0 && this.w1 === 0 && this.w2 === MAPPED_WORD ? 4 : 6;
  }

  equals(other: IpAddress): boolean {
    return this.w3 === other.w3 && this.w2 === other.w2 && this.w1 === other.w1 && this.w0 === other.w0;
  }

  /** 0.0.0.0 or :: */
  get unspecified(): boolean {
    return this.w3 === 0 && this.w0 === 0 && this.w1 === 0 && (this.w2 === 0 || this.w2 === MAPPED_WORD);
  }

  /** 224.0.0.0/4 or ff00::/8 */
  get multicast(): boolean {
    return this.family === 4 ? this.w3 >>> 28 === 14 : this.w0 >>> 24 === 0xff;
  }

  /** 127.0.0.0/8 or ::1: a machine calls itself so, and nobody else (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
  get loopback(): boolean {
    if (this.family === 4) return this.w3 >>> 24 === 127;
    return this.w3 === 1 && this.w2 === 0 && this.w1 === 0 && this.w0 === 0;
  }

  /** 4 or 16 bytes in network order. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, this.w0);
    view.setInt32(4, this.w1);
    view.setInt32(8, this.w2);
    view.setInt32(12, this.w3);
    return this.family === 4 ? bytes.subarray(12) : bytes;
  }

  /** Its four words, from `words[at]` on: for hashes. */
  putWords(words: Int32Array, at: number): void {
    words[at] = this.w0;
    words[at + 1] = this.w1;
    words[at + 2] = this.w2;
    words[at + 3] = this.w3;
  }

  toString(): string {
    return formatAddress(this.toBytes());
  }

  /** @param bytes 4 or 16 in network order */
  static fromBytes(bytes: Uint8Array): IpAddress {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length === 4) return new IpAddress(0, 0, MAPPED_WORD, view.getInt32(0));
    return new IpAddress(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12));
  }

  /** @returns undefined if the text is not a numeric address without a zone */
  static parse(text: string): IpAddress | undefined {
    const characters = ascii(text);
    const bytes = parseAddress(characters, 0, characters.length);
    return bytes && IpAddress.fromBytes(bytes);
  }
}
