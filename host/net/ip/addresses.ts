/** Our own addresses: few, so a list that is looked through. The first of a family that fits is the source of what we send. */
import type { IpAddress } from "../address.ts";

export class Addresses {
  readonly #all: readonly IpAddress[];

  constructor(all: readonly IpAddress[]) {
    this.#all = all;
  }

  has(w0: number, w1: number, w2: number, w3: number): boolean {
    for (const own of this.#all) if (own.w3 === w3 && own.w2 === w2 && own.w1 === w1 && own.w0 === w0) return true;
    return false;
  }

  /** Of the destination's family and, among several, with the longest prefix in common with it (RFC 6724 rule 8). */
  sourceFor(destination: IpAddress): IpAddress | undefined {
    let best: IpAddress | undefined;
    let longest = -1;
    for (const own of this.#all) {
      if (own.family !== destination.family) continue;
      const common = commonBits(own, destination);
      if (common <= longest) continue;
      best = own;
      longest = common;
    }
    return best;
  }
}

function commonBits(a: IpAddress, b: IpAddress): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}
