/** One engine with a core of its own, for tests: its clock is told, what it sends and delivers is kept. */
import { createHash } from "node:crypto";
import * as abi from "../../assembly/abi.ts";
import type { Endpoint } from "../../host/core/core.ts";
import { loadCore, type MemoryKind } from "../../host/core/load.ts";
import { Engine } from "../../host/device/engine.ts";
import type { Peer } from "../../host/device/peer.ts";

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

  private constructor(engine: (node: TestNode) => Engine, address: Endpoint, now: number) {
    this.address = address;
    this.now = now;
    this.engine = engine(this);
  }

  static async create(name: string, address: Endpoint, now = 1_000, memory?: MemoryKind): Promise<TestNode> {
    const core = await loadCore({ maxPeers: 64, maxAllowedIps: 256 }, memory);
    return new TestNode(
      (node) =>
        new Engine({
          core,
          now,
          random: seededRandom(name),
          uptime: () => node.now + 1000 * node.asleep,
          wallTime: () => ({
            seconds: 1_700_000_000 + node.wallOffset + Math.floor(node.now / 1000),
            nanoseconds: (node.now % 1000) * 1_000_000,
          }),
          sink: {
            transmit: (count) => node.#transmit(count),
            deliver: (count) => node.#deliver(count),
            mayFollow: (path) => node.mayFollow?.(core.readEndpoint(path)!) ?? true,
            inject: (at, length) =>
              node.delivered.push(Uint8Array.from(core.bytes.subarray(at + abi.VNET_BYTES, at + length))),
          },
        }),
      address,
      now,
    );
  }

  #transmit(count: number): void {
    const { core } = this.engine;
    for (let i = 0; i < count; i++) {
      const descriptor = core.at.txDescriptors + abi.TX_BYTES * i;
      const segment = core.u32(descriptor + abi.TX_SEGMENT);
      const start = core.u32(descriptor + abi.TX_OFFSET);
      const end = start + core.u32(descriptor + abi.TX_LENGTH);
      const to = core.readEndpoint(descriptor + abi.TX_PATH)!;
      const tos = core.u32(descriptor + abi.TX_TOS);
      for (let at = start; at < end; at += segment) {
        this.sent.push({ bytes: Uint8Array.from(core.bytes.subarray(at, Math.min(at + segment, end))), to, tos });
      }
      this.engine.sent(i);
    }
  }

  #deliver(count: number): void {
    const { core } = this.engine;
    for (let i = 0; i < count; i++) {
      const write = core.at.writes + abi.WRITE_BYTES * i;
      const packet = new Uint8Array(core.u32(write + abi.WRITE_LENGTH));
      let filled = 0;
      for (let n = 0; n < core.u32(write + abi.WRITE_COUNT); n++) {
        const entry = core.u32(write + abi.WRITE_GATHER) + abi.GATHER_BYTES * n;
        const at = core.u32(entry + abi.GATHER_ADDRESS);
        const length = core.u32(entry + abi.GATHER_LENGTH);
        packet.set(core.bytes.subarray(at, at + length), filled);
        filled += length;
      }
      this.delivered.push(packet);
    }
  }

  /** A datagram came from `from`. */
  receive(bytes: Uint8Array, from: Endpoint, tos = 0): void {
    this.receiveTogether([{ bytes, from, tos }]);
  }

  /** Several came at once. */
  receiveTogether(datagrams: readonly { bytes: Uint8Array; from: Endpoint; tos?: number }[]): void {
    const { core } = this.engine;
    datagrams.forEach(({ bytes, from, tos = 0 }, i) => {
      const record = core.at.rxDescriptors + abi.RX_BYTES * i;
      const buffer = core.at.rxBuffers + abi.MESSAGE_BYTES_MAX * i;
      core.bytes.set(bytes, buffer);
      core.view.setUint32(record + abi.RX_OFFSET, buffer, true);
      core.view.setUint32(record + abi.RX_LENGTH, bytes.length, true);
      core.view.setUint32(record + abi.RX_SEGMENT, bytes.length, true);
      core.view.setUint32(record + abi.RX_TOS, tos, true);
      core.writeEndpoint(record + abi.RX_PATH, from);
    });
    this.engine.receive(datagrams.length, this.now);
    this.advance();
  }

  /** The host sends an IP packet. */
  send(packet: Uint8Array): void {
    const { core } = this.engine;
    core.wipe(core.at.tunBuffer, abi.VNET_BYTES);
    core.bytes.set(packet, core.at.tunBuffer + abi.VNET_BYTES);
    this.engine.sendPacket(core.at.tunBuffer, packet.length + abi.VNET_BYTES, this.now);
    this.engine.flush();
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
    this.engine.flush();
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
