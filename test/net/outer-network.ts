/** The network between gateways: a link for each pair of endpoints, with the conditions of the gateway that sends. Gateways may roam. */
import type { Endpoint } from "../../host/core/core.ts";
import type { Random } from "../simulation/random.ts";
import type { VirtualClock } from "./clock.ts";
import type { Gateway } from "./gateway.ts";
import { Link, type LinkConditions } from "./link.ts";

const nameOf = ({ address, port }: Endpoint) => `${address}/${port}`;

interface Place {
  readonly gateway: Gateway;
  conditions: Partial<LinkConditions>;
  /** By destination; those of an address that was left behind still deliver what is on its way. */
  links: Map<string, Link>;
}

export class OuterNetwork {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #places = new Map<string, Place>();
  #addresses = 0;

  constructor(clock: VirtualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** An endpoint that nobody had before. */
  freshEndpoint(): Endpoint {
    this.#addresses += 1;
    return { address: Uint8Array.of(192, 0, 2, this.#addresses), port: 51_820, scope: 0 };
  }

  attach(gateway: Gateway, conditions: Partial<LinkConditions>): void {
    this.#places.set(nameOf(gateway.endpoint), { gateway, conditions, links: new Map() });
  }

  send(from: Endpoint, to: Endpoint, datagram: Uint8Array): void {
    const place = this.#places.get(nameOf(from));
    if (place === undefined) return; // between two networks
    const name = nameOf(to);
    let link = place.links.get(name);
    if (link === undefined) {
      link = new Link(this.#clock, this.#random, place.conditions, {
        deliver: (bytes) => this.#places.get(name)?.gateway.receive(bytes, from),
        tooBig: () => {}, // lost: nobody tells a tunnel in a way that it could believe
      });
      place.links.set(name, link);
    }
    link.send(datagram);
  }

  /** The way out of a gateway changes; what is on it is not touched. */
  change(gateway: Gateway, conditions: Partial<LinkConditions>): void {
    const place = this.#places.get(nameOf(gateway.endpoint));
    if (place === undefined) return;
    place.conditions = { ...place.conditions, ...conditions };
    for (const link of place.links.values()) link.change(conditions);
  }

  /** A gateway goes to another address; for `outageMs` it has none. */
  roam(gateway: Gateway, outageMs: number, conditions: Partial<LinkConditions>): void {
    this.#places.delete(nameOf(gateway.endpoint));
    gateway.endpoint = this.freshEndpoint();
    this.#clock.after(outageMs, () => this.attach(gateway, conditions));
  }
}
