/** Two engines that are each other's peer, with one clock and a wire between them that a test may cut. */
import { createHash } from "node:crypto";
import * as abi from "../../../../assembly/abi.ts";
import type { Core, Endpoint } from "../../../../host/core/core.ts";
import type { MemoryKind } from "../../../../host/core/load.ts";
import { DROP_REASONS, type DropReason } from "../../../../host/engine/drop-reason.ts";
import type { Peer } from "../../../../host/engine/peer.ts";
import { type Datagram, TestNode } from "../../../support/node.ts";

export const START = 1_000;
export const HOST_A = Uint8Array.of(10, 0, 0, 1);
export const HOST_B = Uint8Array.of(10, 0, 0, 2);

export function endpoint(last: number, port = 51820): Endpoint {
  return { address: Uint8Array.of(192, 0, 2, last), port, scope: 0 };
}

/** A plain IPv4 packet of `length` bytes that nobody merges. */
export function packet(from: Uint8Array, to: Uint8Array, length = 20, filling = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill(filling);
  bytes.set([0x45, 0, length >>> 8, length & 255, 0, 0, 0, 0, 64, 253, 0, 0]);
  bytes.set(from, 12);
  bytes.set(to, 16);
  return bytes;
}

export function messageType({ bytes }: Datagram): number {
  return bytes[0]!;
}

export class Pair {
  readonly a: TestNode;
  readonly b: TestNode;
  /** What a knows of b, and b of a. */
  readonly peerB: Peer;
  readonly peerA: Peer;
  /** A cut wire takes datagrams and loses them. */
  wire: "whole" | "cut" = "whole";
  /** All that was put on the wire since the last `clear`, with its moment. */
  log: { from: TestNode; type: number; length: number; at: number }[] = [];

  private constructor(a: TestNode, b: TestNode) {
    this.a = a;
    this.b = b;
    this.peerB = a.addPeer(b.publicKey, b.address, [HOST_B, 32]);
    this.peerA = b.addPeer(a.publicKey, a.address, [HOST_A, 32]);
    for (const node of [a, b]) node.engine.bringUp(node.now);
  }

  static async create(name: string, memory?: MemoryKind): Promise<Pair> {
    const a = await TestNode.create(`${name} a`, endpoint(1), START, memory);
    const b = await TestNode.create(`${name} b`, endpoint(2), START, memory);
    a.setPrivateKey(new Uint8Array(32).fill(0x11));
    b.setPrivateKey(new Uint8Array(32).fill(0x22));
    return new Pair(a, b);
  }

  get now(): number {
    return this.a.now;
  }

  /** A session that a initiated, confirmed and idle. */
  connect(): this {
    this.sendFromA();
    this.exchange();
    this.clear();
    return this;
  }

  sendFromA(length = 20): void {
    this.a.send(packet(HOST_A, HOST_B, length));
  }

  sendFromB(length = 20): void {
    this.b.send(packet(HOST_B, HOST_A, length));
  }

  /** Carry datagrams to and fro until both are silent. */
  exchange(): void {
    while (this.a.sent.length + this.b.sent.length > 0) {
      for (const [from, to] of [
        [this.a, this.b],
        [this.b, this.a],
      ] as const) {
        for (const datagram of from.sent.splice(0)) {
          const { bytes } = datagram;
          this.log.push({ from, type: messageType(datagram), length: bytes.length, at: this.now });
          if (this.wire === "whole") to.receive(bytes, from.address);
        }
      }
    }
  }

  /** Let time pass, deadline by deadline. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    this.exchange();
    for (;;) {
      const next = Math.min(this.a.engine.nextDeadline(), this.b.engine.nextDeadline());
      const at = Math.max(this.now, Math.min(next, end));
      this.a.advance(at);
      this.b.advance(at);
      this.exchange();
      if (next > end) return;
    }
  }

  clear(): void {
    this.log = [];
    this.a.delivered = [];
    this.b.delivered = [];
  }

  /** When messages of a type were sent by a node, since `since`. */
  times(from: TestNode, type: number, since = 0): number[] {
    return this.log.filter((entry) => entry.from === from && entry.type === type).map(({ at }) => at - since);
  }

  lengths(from: TestNode, type: number): number[] {
    return this.log.filter((entry) => entry.from === from && entry.type === type).map(({ length }) => length);
  }
}

/** Drop counters of a node that are not zero. */
export function drops(node: TestNode): Partial<Record<DropReason, number>> {
  const counted = node.engine.drops();
  return Object.fromEntries(
    DROP_REASONS.filter((reason) => counted[reason] > 0n).map((reason) => [reason, Number(counted[reason])]),
  );
}

/** All of a node that a datagram of nobody may not change, as one text to compare. */
export function state(node: TestNode): string {
  const { core } = node.engine;
  const hash = createHash("sha256");
  hash.update(core.bytes.subarray(core.at.peers, core.at.peers + abi.PEER_BYTES * core.maxPeers));
  hash.update(core.bytes.subarray(core.at.peerSecrets, core.at.uapiAreas));
  const timers = [...node.engine.peers()].map(({ timers }) => [
    timers.retransmitHandshake,
    timers.sendKeepalive,
    timers.newHandshake,
    timers.zeroKeyMaterial,
    timers.persistentKeepalive,
  ]);
  return `${hash.digest("hex")} ${timers.join(" / ")}`;
}

/** Byte address of the keypair in a role of a peer: fields are those of assembly/transport/keypair.ts. */
export function keypairAt(node: TestNode, peer: Peer, role: number): number {
  const { core } = node.engine;
  const number = core.u32(core.peer(peer.slot) + role);
  return number === 0 ? 0 : core.keypairs(peer.slot) + abi.KEYPAIR_BYTES * (number - 1);
}

/** The bytes of every keypair that a core has room for. */
export function allKeypairs(core: Core): Uint8Array {
  const ofPeer = abi.KEYPAIRS_PER_PEER * abi.KEYPAIR_BYTES;
  const slots = Array.from({ length: core.maxPeers }, (_, slot) => core.keypairs(slot));
  return Buffer.concat(slots.map((at) => core.bytes.subarray(at, at + ofPeer)));
}

const SENDING_COUNTER = 64;

/** As if so many messages had been sent in the current session. */
export function setSendingCounter(node: TestNode, peer: Peer, counter: bigint): void {
  node.engine.core.view.setBigUint64(keypairAt(node, peer, abi.PEER_CURRENT) + SENDING_COUNTER, counter, true);
}
