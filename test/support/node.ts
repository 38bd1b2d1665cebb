/** One engine with a core of its own, for tests: its clock is told, what it sends and delivers is kept. */
import { createHash } from "node:crypto";
import type { Core, Endpoint } from "../../host/core/core.ts";
import { loadCore, type MemoryKind } from "../../host/core/load.ts";
import { Engine } from "../../host/engine/engine.ts";
import type { Peer } from "../../host/engine/peer.ts";
import { Lane } from "../../host/lane/lane.ts";
import { type Arrival, TestInside, TestOutside } from "./ports.ts";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly to: Endpoint;
  readonly tos: number;
}

/** Bytes that look random and are the same for the same seed. */
export function seededRandom(seed: string): (into: Uint8Array) => void {
  let count = 0;
  return (into) => {
    for (let at = 0; at < into.length; at += 32) {
      const block = createHash("sha256").update(`${seed}/${count++}`).digest();
      into.set(block.subarray(0, Math.min(32, into.length - at)), at);
    }
  };
}

export class TestNode {
  readonly engine: Engine;
  readonly lane: Lane;
  readonly inside: TestInside;
  readonly outside: TestOutside;
  readonly address: Endpoint;
  now: number;
  /** Datagrams sent since the last look. */
  sent: Datagram[] = [];
  /** Packets delivered to the host since the last look. */
  delivered: Uint8Array[] = [];
  /** Seconds added to the wall clock. */
  wallOffset = 0;
  /** Which of the peer's own addresses it may be answered at; any while undefined. */
  mayFollow: ((from: Endpoint) => boolean) | undefined;
  /** Seconds that the machine slept. */
  asleep = 0;

  private constructor(core: Core, name: string, address: Endpoint, now: number) {
    this.address = address;
    this.now = now;
    this.inside = new TestInside(core, (packet) => this.delivered.push(packet));
    this.outside = new TestOutside(core, (bytes, to, tos) => this.sent.push({ bytes, to, tos }));
    this.lane = new Lane(core, this.inside, this.outside);
    this.engine = new Engine({
      lane: this.lane,
      events: { mayFollow: (path) => this.mayFollow?.(core.readEndpoint(path)!) ?? true },
      now,
      random: seededRandom(name),
      uptime: () => this.now + 1000 * this.asleep,
      wallTime: () => ({
        seconds: 1_700_000_000 + this.wallOffset + Math.floor(this.now / 1000),
        nanoseconds: (this.now % 1000) * 1_000_000,
      }),
    });
  }

  static async create(name: string, address: Endpoint, now = 1_000, memory?: MemoryKind): Promise<TestNode> {
    return new TestNode(await loadCore({ maxPeers: 64, maxAllowedIps: 256 }, memory), name, address, now);
  }

  /** A datagram came from `from`. */
  receive(bytes: Uint8Array, from: Endpoint, tos = 0): void {
    this.receiveTogether([{ bytes, from, tos }]);
  }

  /** Several came at once. */
  receiveTogether(datagrams: readonly Arrival[]): void {
    this.outside.waiting.push(...datagrams);
    this.lane.inbound(4, this.now, datagrams.length);
    this.advance();
  }

  /** The same, but nothing is answered yet that need not be at once. */
  take(bytes: Uint8Array, from: Endpoint, tos = 0): void {
    this.outside.waiting.push({ bytes, from, tos });
    this.lane.inbound(4, this.now, 1);
  }

  /** The host sends an IP packet. */
  send(packet: Uint8Array): void {
    this.inside.waiting.push(packet);
    this.lane.outbound(this.now, 1);
  }

  /** The same, but it does not leave yet. */
  seal(packet: Uint8Array): void {
    this.inside.waiting.push(packet);
    const { tunBuffer } = this.engine.core.at;
    this.lane.send(tunBuffer, this.inside.read(tunBuffer), this.now);
  }

  /** The machine sleeps: the wall clock goes on, ours does not. */
  sleep(seconds: number): void {
    this.wallOffset += seconds;
    this.asleep += seconds;
  }

  /** Let time pass. */
  advance(now = this.now): void {
    this.now = now;
    this.engine.advance(now);
    this.lane.flush();
  }

  setPrivateKey(key: Uint8Array): void {
    const { core } = this.engine;
    this.engine.tell(this.now);
    core.bytes.set(key, core.at.secretExchange);
    this.engine.setPrivateKey(core.at.secretExchange);
    core.wipe(core.at.secretExchange, 32);
  }

  /** Our public key, copied. */
  get publicKey(): Uint8Array {
    const at = this.engine.publicKey()!;
    return Uint8Array.from(this.engine.core.bytes.subarray(at, at + 32));
  }

  addPeer(publicKey: Uint8Array, endpoint: Endpoint | undefined, ...allowedIps: [Uint8Array, number][]): Peer {
    const { core } = this.engine;
    this.engine.tell(this.now);
    core.bytes.set(publicKey, core.at.exchange);
    const peer = this.engine.createPeer(core.at.exchange)!;
    if (endpoint !== undefined) peer.setEndpoint(endpoint);
    for (const [address, prefix] of allowedIps) peer.addAllowedIp(address, prefix);
    peer.commit();
    return peer;
  }
}
