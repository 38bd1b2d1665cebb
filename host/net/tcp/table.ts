/**
 * Who a segment is for: a hash table of connections, half-open ones and those in TIME-WAIT by both addresses and ports. Chained through
 * the entries themselves, so that a look-up makes nothing and an entry costs one field. The hash is keyed: peers cannot aim at a bucket.
 */
import type { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import type { RandomSource } from "../random.ts";

export type EntryKind = "connection" | "half-open" | "time-wait";

export abstract class Entry {
  abstract readonly kind: EntryKind;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  /** Of the table. */
  hash = 0;
  chained: Entry | undefined = undefined;

  constructor(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number) {
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
  }
}

const BUCKETS_MIN = 64;

export class Table {
  readonly #k0: number;
  readonly #k1: number;
  #buckets: (Entry | undefined)[] = new Array(BUCKETS_MIN).fill(undefined);
  #size = 0;

  constructor(random: RandomSource) {
    this.#k0 = random.word() | 0;
    this.#k1 = random.word() | 1;
  }

  get size(): number {
    return this.#size;
  }

  /** What is more of an IPv6 address, keyed word by word: whoever may choose them all must not choose two that look alike. */
  #more(w0: number, w1: number, w2: number): number {
    if (w0 === 0 && w1 === 0) return w2;
    let hash = Math.imul(w0 ^ this.#k0, this.#k1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ w1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ w2, this.#k1);
    return hash ^ (hash >>> 16);
  }

  #hash(local: number, remote: number, more: number, ports: number): number {
    let hash = Math.imul(remote ^ this.#k0, this.#k1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ports, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ local, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 16) ^ more, this.#k1);
    return hash ^ (hash >>> 15);
  }

  /** Who the packet is for, by its addresses and these ports. */
  find(packet: Inbound, localPort: number, remotePort: number): Entry | undefined {
    const more = this.#more(packet.s0, packet.s1, packet.s2);
    const hash = this.#hash(packet.d3, packet.s3, more, (remotePort << 16) | localPort);
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    for (; entry !== undefined; entry = entry.chained) {
      if (entry.hash !== hash || entry.remotePort !== remotePort || entry.localPort !== localPort) continue;
      const { remote, local } = entry;
      if (remote.w3 !== packet.s3 || remote.w2 !== packet.s2 || remote.w1 !== packet.s1 || remote.w0 !== packet.s0)
        continue;
      if (local.w3 === packet.d3 && local.w2 === packet.d2 && local.w1 === packet.d1 && local.w0 === packet.d0) break;
    }
    return entry;
  }

  get(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): Entry | undefined {
    const hash = this.#hashOf(local, localPort, remote, remotePort);
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    for (; entry !== undefined; entry = entry.chained) {
      if (entry.hash !== hash || entry.remotePort !== remotePort || entry.localPort !== localPort) continue;
      if (entry.remote.equals(remote) && entry.local.equals(local)) break;
    }
    return entry;
  }

  #hashOf(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    const more = this.#more(remote.w0, remote.w1, remote.w2);
    return this.#hash(local.w3, remote.w3, more, (remotePort << 16) | localPort);
  }

  /** There must be none with the same addresses and ports. */
  add(entry: Entry): void {
    if (this.#size >= this.#buckets.length) this.#resize(2 * this.#buckets.length);
    entry.hash = this.#hashOf(entry.local, entry.localPort, entry.remote, entry.remotePort);
    this.#chain(entry);
    this.#size += 1;
  }

  #chain(entry: Entry): void {
    const bucket = entry.hash & (this.#buckets.length - 1);
    entry.chained = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
  }

  remove(entry: Entry): void {
    const bucket = entry.hash & (this.#buckets.length - 1);
    let before: Entry | undefined;
    let each = this.#buckets[bucket];
    while (each !== undefined && each !== entry) {
      before = each;
      each = each.chained;
    }
    if (each === undefined) return;
    if (before === undefined) this.#buckets[bucket] = entry.chained;
    else before.chained = entry.chained;
    entry.chained = undefined;
    this.#size -= 1;
    const { length } = this.#buckets;
    if (length > BUCKETS_MIN && this.#size < length / 8) this.#resize(length / 2);
  }

  #resize(buckets: number): void {
    const all = [...this.entries()];
    this.#buckets = new Array(buckets).fill(undefined);
    for (const entry of all) this.#chain(entry);
  }

  *entries(): Generator<Entry> {
    for (const first of this.#buckets) {
      for (let entry = first; entry !== undefined; ) {
        const { chained } = entry;
        yield entry;
        entry = chained;
      }
    }
  }
}
