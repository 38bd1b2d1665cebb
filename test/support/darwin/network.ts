/** What connects Macs of the stand-in: datagrams go to whoever has the address at the moment, or nowhere. */
import type { Mac } from "./mac.ts";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: { readonly address: string; readonly port: number };
  readonly to: { readonly address: string; readonly port: number };
  readonly tos: number;
  readonly hops: number;
}

export class Network {
  readonly #macs: Mac[] = [];
  /** All that was sent, for tests that look at the wire. */
  readonly sent: Datagram[] = [];
  /** For tests: what gets lost. */
  loses: (datagram: Datagram) => boolean = () => false;

  join(mac: Mac): void {
    this.#macs.push(mac);
  }

  carry(datagram: Datagram): void {
    this.sent.push(datagram);
    if (this.loses(datagram)) return;
    this.#macs.find((mac) => mac.hasAddress(datagram.to.address))?.arrive(datagram);
  }
}

/** "192.0.2.1", or eight groups of IPv6, of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return groups.join(":");
}

export function addressBytes(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split(".").map(Number));
  return Uint8Array.from(
    text.split(":").flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
