import { describe, expect, it } from "vitest";
import { IpAddress } from "../../host/net/address.ts";
import type { Inbound } from "../../host/net/inbound.ts";
import { UDP } from "../../host/net/ip/protocols.ts";
import type { NetStack } from "../../host/net/stack.ts";
import type { Transport } from "../../host/net/transport.ts";
import { Random } from "../simulation/random.ts";
import { VirtualClock } from "./clock.ts";
import { Host } from "./host.ts";
import { Link, type LinkConditions } from "./link.ts";
import { tooBig } from "./too-big.ts";

const PAYLOAD_BYTES = 992;
const PACKET_BYTES = 28 + PAYLOAD_BYTES;

/** Sends numbered datagrams, and takes down when which ones came. */
class Numbered implements Transport {
  readonly arrived: { number: number; at: number }[] = [];
  readonly #stack: NetStack;
  left = 0;
  next = 0;

  constructor(stack: NetStack) {
    this.#stack = stack;
    stack.register(this, UDP);
  }

  send(count: number): void {
    this.left = count;
    this.#stack.wake();
  }

  receive({ view, start }: Inbound): void {
    this.arrived.push({ number: view.getUint32(start + 8), at: this.#stack.now });
  }

  turn(): void {
    const { ip } = this.#stack;
    const flow = {
      local: IpAddress.parse("192.0.2.1")!,
      remote: IpAddress.parse("192.0.2.2")!,
      trafficClass: 2,
      hopLimit: 0,
    };
    for (; this.left > 0; this.left--) {
      const at = ip.reserve(flow, UDP, 8 + PAYLOAD_BYTES);
      ip.bytes.fill(0, at, at + 8 + PAYLOAD_BYTES);
      ip.view.setUint16(at + 4, 8 + PAYLOAD_BYTES);
      ip.view.setUint32(at + 8, this.next++);
      ip.commit(6, 8, 0);
    }
  }

  error(): void {}
  room(): void {}
  ready(): void {}
  tell(): void {}
  close(): void {}
}

function joined(conditions: Partial<LinkConditions>, seed = 1) {
  const clock = new VirtualClock();
  const random = new Random(seed);
  const near: Host = new Host(clock, random, {
    addresses: ["192.0.2.1"],
    mtu: 1500,
    send: (packet) => link.send(packet),
  });
  const far = new Host(clock, random, { addresses: ["192.0.2.2"], mtu: 1500, send: () => {} });
  const told: number[] = [];
  const link = new Link(clock, random, conditions, {
    deliver: (packet) => far.receive(packet),
    tooBig: (packet, mtu) => told.push(tooBig(packet, mtu).length),
  });
  return { clock, link, told, sender: new Numbered(near.stack), receiver: new Numbered(far.stack) };
}

describe("the link of the tests", () => {
  it("delivers after its delay, at its rate, in order", () => {
    const { clock, sender, receiver } = joined({ delayMs: 25, megabitsPerSecond: 8 });
    sender.send(10);
    clock.runUntil(1000);
    expect(receiver.arrived.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    receiver.arrived.forEach(({ at }, i) => {
      expect(at).toBeCloseTo(25 + ((i + 1) * PACKET_BYTES) / 1000);
    });
  });

  it("drops what finds its queue full", () => {
    const { clock, link, sender, receiver } = joined({ megabitsPerSecond: 8, queueBytes: 5 * PACKET_BYTES });
    sender.send(20);
    clock.runUntil(1000);
    expect(receiver.arrived).toHaveLength(6);
    expect(link.overflowed).toBe(14);
  });

  it("loses, repeats and delays packets, and does the same again for the same seed", () => {
    const run = (seed: number) => {
      const { clock, sender, receiver } = joined({ loss: 0.1, duplication: 0.1, reordering: 0.1, lateMs: 5 }, seed);
      for (let i = 0; i < 100; i++) {
        clock.runUntil(i);
        sender.send(10);
      }
      clock.runUntil(5000);
      return receiver.arrived;
    };
    const arrived = run(3);
    const different = new Set(arrived.map(({ number }) => number)).size;
    expect(different).toBeGreaterThan(850);
    expect(different).toBeLessThan(950);
    expect(arrived.length).toBeGreaterThan(different + 50);
    expect(arrived.some(({ number }, i) => i > 0 && number < arrived[i - 1]!.number)).toBe(true);
    expect(run(3)).toEqual(arrived);
    expect(run(4)).not.toEqual(arrived);
  });

  it("tells the sender of a packet that is too large, or says nothing as a black hole", () => {
    const { clock, link, told, sender, receiver } = joined({ mtu: PACKET_BYTES - 1 });
    sender.send(1);
    clock.runUntil(1000);
    expect(told).toEqual([28 + 548]);
    link.change({ tooBig: "black hole" });
    sender.send(1);
    clock.runUntil(2000);
    expect(told).toHaveLength(1);
    expect(receiver.arrived).toEqual([]);
  });

  it("passes nothing while its end moves to another network, and then under the new conditions", () => {
    const { clock, link, sender, receiver } = joined({ delayMs: 10 });
    link.roam(100, { delayMs: 50 });
    sender.send(1);
    clock.runUntil(100);
    sender.send(1);
    clock.runUntil(1000);
    expect(receiver.arrived).toEqual([{ number: 1, at: 150 }]);
  });

  it("marks congestion without breaking a checksum", () => {
    const { clock, sender, receiver } = joined({ marking: 1 });
    sender.send(3);
    clock.runUntil(1000);
    expect(receiver.arrived).toHaveLength(3);
  });
});
