/**
 * Which sockets have which local port, and which of them a datagram is for. Ephemeral ports are picked at random (RFC 6056 §3.3.1):
 * half of all ports, so that a name server's answers are hard to forge, and none that services are known by.
 */
import type { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import type { RandomSource } from "../random.ts";

const EPHEMERAL_FIRST = 32_768;
const EPHEMERAL_COUNT = 32_768;
/** Tries before the rest is looked through in order. */
const RANDOM_TRIES = 64;

export interface PortUser {
  /** Undefined: all of ours. */
  readonly local: IpAddress | undefined;
  readonly localPort: number;
  /** Set while it is connected. */
  readonly remote: IpAddress | undefined;
  readonly remotePort: number;
}

export class PortTable<T extends PortUser> {
  readonly #byPort = new Map<number, T[]>();
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  get all(): T[] {
    return [...this.#byPort.values()].flat();
  }

  /** @returns false if the port has a user at an address that this one wants too */
  add(user: T): boolean {
    const users = this.#byPort.get(user.localPort);
    if (users === undefined) {
      this.#byPort.set(user.localPort, [user]);
      return true;
    }
    if (users.some((other) => overlap(other.local, user.local))) return false;
    users.push(user);
    return true;
  }

  remove(user: T): void {
    const users = this.#byPort.get(user.localPort);
    if (users === undefined) return;
    const left = users.filter((other) => other !== user);
    if (left.length === 0) this.#byPort.delete(user.localPort);
    else this.#byPort.set(user.localPort, left);
  }

  /** A port that nobody uses at any address; undefined when all are taken. */
  ephemeral(): number | undefined {
    for (let i = 0; i < RANDOM_TRIES; i++) {
      const port = EPHEMERAL_FIRST + this.#random.below(EPHEMERAL_COUNT);
      if (!this.#byPort.has(port)) return port;
    }
    const first = this.#random.below(EPHEMERAL_COUNT);
    for (let i = 0; i < EPHEMERAL_COUNT; i++) {
      const port = EPHEMERAL_FIRST + ((first + i) % EPHEMERAL_COUNT);
      if (!this.#byPort.has(port)) return port;
    }
    return undefined;
  }

  /** Whom a datagram from `remotePort` to `localPort` is for. A connected user hears its peer and nobody else. */
  find(packet: Inbound, localPort: number, remotePort: number): T | undefined {
    const users = this.#byPort.get(localPort);
    if (users === undefined) return undefined;
    for (const user of users) {
      const { local, remote } = user;
      if (local !== undefined && !isDestination(local, packet)) continue;
      if (remote === undefined || (user.remotePort === remotePort && isSource(remote, packet))) return user;
    }
    return undefined;
  }

  /** Whose datagram went from `local`. */
  sender(local: IpAddress, localPort: number): T | undefined {
    return this.#byPort.get(localPort)?.find((user) => user.local === undefined || user.local.equals(local));
  }
}

function overlap(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  return a === undefined || b === undefined || a.equals(b);
}

function isDestination({ w0, w1, w2, w3 }: IpAddress, { d0, d1, d2, d3 }: Inbound): boolean {
  return w3 === d3 && w2 === d2 && w1 === d1 && w0 === d0;
}

function isSource({ w0, w1, w2, w3 }: IpAddress, { s0, s1, s2, s3 }: Inbound): boolean {
  return w3 === s3 && w2 === s2 && w1 === s1 && w0 === s0;
}
