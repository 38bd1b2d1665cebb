/**
 * Cryptokey routing (WireGuard paper §2): address prefix → peer, longest match first. A binary trie with path
 * compression for each address family; the nodes of one peer form a list, oldest first, so that they can be
 * told in the order they were added.
 *
 * An address is 128 bits, big-endian, in two u64: IPv4 in the upper 32 bits of `high`. Nodes are numbered from 1 in
 * the region `routes`; node 0 holds the two roots and the head of the free list.
 */
import { maxRoutes, ROUTE_BYTES, routes } from "../memory/layout";
import { Peers } from "./peers";

@unmanaged
class Node {
  high: u64;
  low: u64;
  left: u32;
  right: u32;
  parent: u32;
  /** Peer slot + 1; 0 for a node that only branches. */
  owner: u32;
  nextOfPeer: u32;
  previousOfPeer: u32;
  prefix: u32;
  family: u32;

  @inline static at(number: u32): Node {
    return changetype<Node>(routes + ROUTE_BYTES * number);
  }

  @inline child(right: u32): u32 {
    return right ? this.right : this.left;
  }

  @inline setChild(right: u32, number: u32): void {
    if (right) this.right = number;
    else this.left = number;
  }
}
if (offsetof<Node>() > ROUTE_BYTES) ERROR("a node is larger than its slot");

/** Node 0. */
@unmanaged
class Roots {
  ipv4: u32;
  ipv6: u32;
  free: u32;
  used: u32;

  @inline static get(): Roots {
    return changetype<Roots>(routes);
  }

  @inline of(family: u32): u32 {
    return family === 4 ? this.ipv4 : this.ipv6;
  }

  @inline set(family: u32, number: u32): void {
    if (family === 4) this.ipv4 = number;
    else this.ipv6 = number;
  }
}

export class AllowedIps {
  @inline private static bit(high: u64, low: u64, position: u32): u32 {
    return <u32>(position < 64 ? (high >> (63 - position)) & 1 : (low >> (127 - position)) & 1);
  }

  /** How many leading bits two addresses share. */
  @inline private static common(high: u64, low: u64, node: Node): u32 {
    const difference = high ^ node.high;
    return <u32>(difference ? clz(difference) : 64 + clz(low ^ node.low));
  }

  /** Clear the bits after `prefix`: the upper half. */
  @inline private static maskHigh(high: u64, prefix: u32): u64 {
    return prefix === 0 ? 0 : prefix >= 64 ? high : high & (u64.MAX_VALUE << (64 - prefix));
  }

  @inline private static maskLow(low: u64, prefix: u32): u64 {
    return prefix <= 64 ? 0 : prefix === 128 ? low : low & (u64.MAX_VALUE << (128 - prefix));
  }

  private static allocate(): u32 {
    const roots = Roots.get();
    let number = roots.free;
    if (number) {
      roots.free = Node.at(number).left;
    } else {
      if (roots.used >= maxRoutes) return 0;
      number = ++roots.used;
    }
    memory.fill(changetype<usize>(Node.at(number)), 0, ROUTE_BYTES);
    return number;
  }

  private static release(number: u32): void {
    const roots = Roots.get();
    Node.at(number).left = roots.free;
    roots.free = number;
  }

  /** Peer slot that owns the longest prefix of the address, or -1. */
  static lookup(family: u32, high: u64, low: u64): i32 {
    const width: u32 = family === 4 ? 32 : 128;
    let number = Roots.get().of(family);
    let found: u32 = 0;
    while (number) {
      const node = Node.at(number);
      if (AllowedIps.common(high, low, node) < node.prefix) break;
      if (node.owner) found = node.owner;
      if (node.prefix === width) break;
      number = node.child(AllowedIps.bit(high, low, node.prefix));
    }
    return <i32>found - 1;
  }

  /** Deepest node that contains `high low / prefix`; 0 if none does. */
  private static covering(family: u32, high: u64, low: u64, prefix: u32): u32 {
    let number = Roots.get().of(family);
    let parent: u32 = 0;
    while (number) {
      const node = Node.at(number);
      if (node.prefix > prefix || AllowedIps.common(high, low, node) < node.prefix) break;
      parent = number;
      if (node.prefix === prefix) break;
      number = node.child(AllowedIps.bit(high, low, node.prefix));
    }
    return parent;
  }

  /**
   * Route a prefix to a peer, taking it from whoever had it.
   * @returns false if the table is full
   */
  static insert(family: u32, high: u64, low: u64, prefix: u32, peer: u32): bool {
    high = AllowedIps.maskHigh(high, prefix);
    low = AllowedIps.maskLow(low, prefix);
    const parent = AllowedIps.covering(family, high, low, prefix);
    if (parent && Node.at(parent).prefix === prefix) {
      AllowedIps.setOwner(parent, peer);
      return true;
    }
    const fresh = AllowedIps.allocate();
    if (!fresh) return false;
    const node = Node.at(fresh);
    node.high = high;
    node.low = low;
    node.prefix = prefix;
    node.family = family;
    const below = parent
      ? Node.at(parent).child(AllowedIps.bit(high, low, Node.at(parent).prefix))
      : Roots.get().of(family);
    if (!below) {
      AllowedIps.hang(family, parent, fresh);
    } else {
      const shared = min(prefix, AllowedIps.common(high, low, Node.at(below)));
      if (shared === prefix) {
        AllowedIps.hang(family, parent, fresh);
        AllowedIps.hang(family, fresh, below);
      } else {
        const fork = AllowedIps.allocate();
        if (!fork) {
          AllowedIps.release(fresh);
          return false;
        }
        const branch = Node.at(fork);
        branch.high = AllowedIps.maskHigh(high, shared);
        branch.low = AllowedIps.maskLow(low, shared);
        branch.prefix = shared;
        branch.family = family;
        AllowedIps.hang(family, parent, fork);
        AllowedIps.hang(family, fork, below);
        AllowedIps.hang(family, fork, fresh);
      }
    }
    AllowedIps.setOwner(fresh, peer);
    return true;
  }

  /** Make `number` the child of `parent` (0: the root) on the side its address says. */
  private static hang(family: u32, parent: u32, number: u32): void {
    const node = Node.at(number);
    node.parent = parent;
    if (parent) Node.at(parent).setChild(AllowedIps.bit(node.high, node.low, Node.at(parent).prefix), number);
    else Roots.get().set(family, number);
  }

  /** Remove one prefix if this peer owns it. */
  static remove(family: u32, high: u64, low: u64, prefix: u32, peer: u32): void {
    high = AllowedIps.maskHigh(high, prefix);
    low = AllowedIps.maskLow(low, prefix);
    const number = AllowedIps.covering(family, high, low, prefix);
    if (number && Node.at(number).prefix === prefix && Node.at(number).owner === peer + 1) AllowedIps.drop(number);
  }

  /** Peer slot that an IP address is routed to, or -1. @param address network order @param kind IP version */
  static routeOf(address: usize, kind: u32): i32 {
    if (kind === 4) return AllowedIps.lookup(4, (<u64>bswap(load<u32>(address))) << 32, 0);
    return AllowedIps.lookup(6, bswap(load<u64>(address)), bswap(load<u64>(address, 8)));
  }

  static removeAll(peer: u32): void {
    for (let number = AllowedIps.first(peer); number; number = AllowedIps.first(peer)) AllowedIps.drop(number);
  }

  /** First node of a peer, 0 if it has none; then `next`. */
  @inline static first(peer: u32): u32 {
    return Peers.record(peer).routesFirst;
  }

  static next(number: u32): u32 {
    return Node.at(number).nextOfPeer;
  }

  /** Highest node number in use. */
  @inline static get inUse(): u32 {
    return Roots.get().used;
  }

  /** Where a node's address is: 16 bytes in two native u64. */
  static high(number: u32): u64 {
    return Node.at(number).high;
  }

  static low(number: u32): u64 {
    return Node.at(number).low;
  }

  /** `family << 8 | prefix` of a node. */
  static kind(number: u32): u32 {
    return (Node.at(number).family << 8) | Node.at(number).prefix;
  }

  /** Give a node to a peer: it moves to the end of that peer's list. */
  private static setOwner(number: u32, peer: u32): void {
    AllowedIps.disown(number);
    const node = Node.at(number);
    const record = Peers.record(peer);
    const last = record.routesLast;
    node.owner = peer + 1;
    node.previousOfPeer = last;
    if (last) Node.at(last).nextOfPeer = number;
    else record.routesFirst = number;
    record.routesLast = number;
  }

  private static disown(number: u32): void {
    const node = Node.at(number);
    if (!node.owner) return;
    const record = Peers.record(node.owner - 1);
    if (node.previousOfPeer) Node.at(node.previousOfPeer).nextOfPeer = node.nextOfPeer;
    else record.routesFirst = node.nextOfPeer;
    if (node.nextOfPeer) Node.at(node.nextOfPeer).previousOfPeer = node.previousOfPeer;
    else record.routesLast = node.previousOfPeer;
    node.owner = 0;
    node.nextOfPeer = 0;
    node.previousOfPeer = 0;
  }

  /** Take a node's prefix away, and the nodes that are of no use without it. */
  private static drop(number: u32): void {
    AllowedIps.disown(number);
    // At most two rounds: the node itself, then a parent that has become a mere link.
    while (number) {
      const node = Node.at(number);
      if (node.owner || (node.left && node.right)) return;
      const child = node.left | node.right;
      const parent = node.parent;
      if (child) Node.at(child).parent = parent;
      if (!parent) Roots.get().set(node.family, child);
      else if (Node.at(parent).left === number) Node.at(parent).left = child;
      else Node.at(parent).right = child;
      AllowedIps.release(number);
      number = parent;
    }
  }
}
