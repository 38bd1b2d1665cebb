/** IPv6 zones by what every runtime tells of its interfaces: those with a link-local address. */
import { networkInterfaces } from "node:os";
import type { Zones } from "../address/endpoint-text.ts";

function* scopes(): Generator<[name: string, index: number]> {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    for (const address of addresses)
      if (address.family === "IPv6" && address.scopeid > 0) yield [name, address.scopeid];
  }
}

export const systemZones: Zones = {
  indexOf(name) {
    for (const [known, index] of scopes()) if (known === name) return index;
    return undefined;
  },
  nameOf(index) {
    for (const [name, known] of scopes()) if (known === index) return name;
    return undefined;
  },
};
