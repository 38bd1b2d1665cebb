/** What is known of the largest packet to each destination (RFC 1191, RFC 8201). */
import type { IpAddress } from "../address.ts";

export class PathMtu {
  readonly #interfaceMtu: number;
  readonly #learnt = new Map<string, number>();
  #epoch = 0;

  constructor(interfaceMtu: number) {
    this.#interfaceMtu = interfaceMtu;
  }

  get epoch(): number {
    return this.#epoch;
  }

  to(destination: IpAddress): number {
    if (this.#learnt.size === 0) return this.#interfaceMtu;
    return this.#learnt.get(destination.toString()) ?? this.#interfaceMtu;
  }

  lower(destination: IpAddress, mtu: number): void {
    if (mtu >= this.to(destination)) return;
    this.#learnt.set(destination.toString(), mtu);
    this.#epoch += 1;
  }
}
