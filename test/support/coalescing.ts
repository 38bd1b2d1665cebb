// Drives the coalescer with packets as they lie in a receive buffer after decryption, and reads its writes back.
import { expect } from "vitest";
import { decodeVnet, type Vnet } from "../reference/superpacket.ts";
import { ARENA, ARENA_BYTES, type PacketCore } from "./packet-core.ts";

const MEMORY_BASE = 0x7f12_3456_7000n;
const GATHER = ARENA;
const WRITES = ARENA + 0x8000;
const PACKETS = ARENA + 0x10000;
const BEFORE = 16; // the transport header
const BEHIND = 16; // the tag

export interface Device {
  vnet: boolean;
  tcp: boolean;
  udp: boolean;
}
export const FULL: Device = { vnet: true, tcp: true, udp: true };

export interface TunWrite {
  /** undefined without vnet headers */
  vnet: Vnet | undefined;
  packet: Uint8Array<ArrayBuffer>;
  /** Indexes of the packets it was made of. */
  from: number[];
}

/** How packets are added: as the core does, where most go on with the one before; or each by its flow. */
export type Adding = "as the next" | "by flow";

export class Coalescing {
  private readonly core: PacketCore;
  private readonly adding: Adding;

  constructor(core: PacketCore, adding: Adding = "as the next") {
    this.core = core;
    this.adding = adding;
  }

  /** One batch. Fails unless all packets fit, and if a byte is written that was not free. */
  run(packets: Uint8Array[], device: Device = FULL): TunWrite[] {
    const { writes, added } = this.attempt(packets, device, packets.length, packets.length);
    expect(added).toBe(packets.length);
    return writes;
  }

  /** One batch of as many packets as fit. */
  attempt(packets: Uint8Array[], device: Device, gatherCapacity: number, writeCapacity: number) {
    const { exports } = this.core;
    const [starts, end] = this.lay(packets);
    const flag = (set: boolean) => (set ? 1 : 0);
    exports.coalesceBegin(
      MEMORY_BASE,
      GATHER,
      gatherCapacity,
      WRITES,
      writeCapacity,
      flag(device.vnet),
      flag(device.tcp),
      flag(device.udp),
    );
    let added = 0;
    while (added < packets.length && this.add(starts[added]!, packets[added]!.length)) added++;
    const before = this.core.get(PACKETS, end - PACKETS);
    const count = exports.coalesceFinish();
    expect(count).toBeLessThanOrEqual(writeCapacity);
    this.checkUntouched(before, packets, starts);
    expect(this.core.firstTouched(WRITES + count * 16, PACKETS)).toBe(-1);
    return { added, writes: this.readWrites(count, starts, gatherCapacity, device.vnet) };
  }

  private add(start: number, length: number): boolean {
    const { coalesceAdd, coalesceNext } = this.core.exports;
    return (this.adding === "as the next" && coalesceNext(start, length) !== 0) || coalesceAdd(start, length) !== 0;
  }

  private lay(packets: Uint8Array[]): [number[], number] {
    this.core.clear(ARENA, PACKETS - ARENA);
    const starts: number[] = [];
    let at = PACKETS;
    for (const packet of packets) {
      this.core.clear(at, BEFORE + packet.length + BEHIND);
      starts.push(at + BEFORE);
      this.core.put(at + BEFORE, packet);
      at += BEFORE + packet.length + BEHIND + (packet.length % 3);
    }
    if (at > ARENA + ARENA_BYTES) throw new RangeError("more packets than the arena holds");
    return [starts, at];
  }

  /** Only headers of first packets and the ten bytes before them may change: never a payload, never a gap. */
  private checkUntouched(before: Uint8Array, packets: Uint8Array[], starts: number[]): void {
    const after = this.core.get(PACKETS, before.length);
    packets.forEach((packet, i) => {
      const start = starts[i]! - PACKETS;
      const behind = start + Math.min(packet.length, 100);
      after.set(before.subarray(start - 10, behind), start - 10);
    });
    expect(Buffer.compare(after, before)).toBe(0);
  }

  private readWrites(count: number, starts: number[], gatherCapacity: number, withVnet: boolean): TunWrite[] {
    const data = new DataView(this.core.exports.memory.buffer);
    const writes: TunWrite[] = [];
    let entry = GATHER;
    for (let i = 0; i < count; i++) {
      const write = WRITES + i * 16;
      expect(data.getUint32(write, true)).toBe(entry);
      const entries = data.getUint32(write + 4, true);
      const parts: Uint8Array[] = [];
      const from: number[] = [];
      for (let j = 0; j < entries; j++, entry += 16) {
        const address = Number(data.getBigUint64(entry, true) - MEMORY_BASE);
        parts.push(this.core.get(address, Number(data.getBigUint64(entry + 8, true))));
        from.push(starts.findLastIndex((start) => start - 10 <= address));
      }
      const whole = Uint8Array.from(Buffer.concat(parts));
      expect(whole.length).toBe(data.getUint32(write + 8, true));
      writes.push(
        withVnet
          ? { vnet: decodeVnet(whole.subarray(0, 10)), packet: whole.slice(10), from }
          : { vnet: undefined, packet: whole, from },
      );
    }
    expect(entry).toBeLessThanOrEqual(GATHER + gatherCapacity * 16);
    expect(this.core.firstTouched(entry, WRITES)).toBe(-1);
    return writes;
  }
}
