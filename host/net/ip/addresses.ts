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

  /** Whether packets may go there: no machine's own names for itself, unless they are ours. */
  mayReach({ w0, w1, w2, w3, loopback }: IpAddress): boolean {
    return !loopback || this.has(w0, w1, w2, w3);
  }

  /** What packets to `destination` come from; undefined without an address of its family, and where none may go. */
  sourceFor(destination: IpAddress): IpAddress | undefined {
    return this.mayReach(destination) ? selectSource(this.all, destination) : undefined;
  }
}
