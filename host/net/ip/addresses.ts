/** Our own addresses: few, so a list that is looked through. */
import type { IpAddress } from "../address.ts";
import { selectSource } from "./selection.ts";

export class Addresses {
  readonly all: readonly IpAddress[];

  constructor(all: readonly IpAddress[]) {
    this.all = all;
  }

  has(w0: number, w1: number, w2: number, w3: number): boolean {
    for (const own of this.all) if (own.w3 === w3 && own.w2 === w2 && own.w1 === w1 && own.w0 === w0) return true;
    return false;
  }

  /** What packets to `destination` come from; undefined without an address of its family, and where nothing may leave for it. */
  sourceFor(destination: IpAddress): IpAddress | undefined {
    const { w0, w1, w2, w3, loopback } = destination;
    if (loopback && !this.has(w0, w1, w2, w3)) return undefined;
    return selectSource(this.all, destination);
  }
}
