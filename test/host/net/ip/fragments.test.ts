import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { VirtualClock } from "../../../net/clock.ts";
import { Host } from "../../../net/host.ts";
import { pattern } from "../../../net/script/segment.ts";
import { concat, view } from "../../../reference/packets.ts";
import { Random } from "../../../simulation/random.ts";

const OWN = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const PEER = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
type Family = 4 | 6;

function machine(family: Family, mtu = 1400, addresses: string[] = [OWN[family]], budgetBytes?: number) {
  const clock = new VirtualClock();
  const sent: Uint8Array[] = [];
  const host = new Host(clock, new Random(1), {
    addresses,
    mtu,
    send: (packet) => sent.push(packet),
    ...(budgetBytes === undefined ? {} : { budgetBytes }),
  });
  return { clock, host, sent };
}

/** A datagram in one packet, from a machine whose link takes it whole. */
function whole(family: Family, bytes: number): Uint8Array {
  const { clock, host, sent } = machine(family, 65_535, [PEER[family]]);
  const socket = host.stack.udp.open({ localPort: 7 });
  if (typeof socket === "string") throw new Error(socket);
  expect(socket.send(pattern(0, bytes), IpAddress.parse(OWN[family])!, 53)).toBeUndefined();
  clock.runUntil(1);
  return sent[0]!;
}

interface Cut {
  readonly offset: number;
  readonly end: number;
  /** Says something else than the truth about being the last. */
  readonly more?: boolean;
}

/** A fragment of a packet, built slowly. */
function fragment(packet: Uint8Array, { offset, end, more }: Cut, identification = 77): Uint8Array {
  const ipv4 = packet[0]! >> 4 === 4;
  const headers = ipv4 ? 20 : 40;
  const payload = packet.subarray(headers);
  const last = more === undefined ? end === payload.length : !more;
  const part = payload.subarray(offset, end);
  if (ipv4) {
    const header = packet.slice(0, 20);
    view(header).setUint16(2, 20 + part.length);
    view(header).setUint16(4, identification);
    view(header).setUint16(6, offset / 8 + (last ? 0 : 0x2000));
    view(header).setUint16(10, 0);
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += view(header).getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view(header).setUint16(10, 0xffff - sum);
    return concat(header, part);
  }
  const header = packet.slice(0, 40);
  view(header).setUint16(4, 8 + part.length);
  header[6] = 44;
  const extension = new Uint8Array(8);
  extension[0] = packet[6]!;
  view(extension).setUint16(2, offset + (last ? 0 : 1));
  view(extension).setUint32(4, identification);
  return concat(header, extension, part);
}

function cuts(length: number, step: number): Cut[] {
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => ({
    offset: i * step,
    end: Math.min(length, (i + 1) * step),
  }));
}

/** Comparing bytes one by one, as toEqual does, takes longer than all the rest. */
function expectPattern(bytes: Uint8Array | undefined, length: number): void {
  expect(bytes?.length).toBe(length);
  expect(Buffer.compare(bytes!, pattern(0, length))).toBe(0);
}

function listening(family: Family, budgetBytes?: number) {
  const made = machine(family, 1400, [OWN[family]], budgetBytes);
  const socket = made.host.stack.udp.open({ localPort: 53 });
  if (typeof socket === "string") throw new Error(socket);
  const counters = made.host.stack.counters;
  return { ...made, socket, counters };
}

describe.each([4, 6] as const)("fragments of IPv%i", (family) => {
  const packet = whole(family, 3000);
  const payloadLength = packet.length - (family === 4 ? 20 : 40);
  const pieces = cuts(payloadLength, 1000).map((cut) => fragment(packet, cut));

  it("become the datagram that was sent, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        const { clock, host, socket } = listening(family);
        for (const index of order) host.receive(pieces[index]!);
        clock.runUntil(1);
        expectPattern(socket.receive()?.bytes, 3000);
        expect(host.stack.budget.taken).toBe(0);
      }),
    );
  });

  it("of every size become the datagram again", () => {
    for (const step of [24, 256, 504, 1232]) {
      const { clock, host, socket } = listening(family);
      for (const cut of cuts(payloadLength, step).reverse()) host.receive(fragment(packet, cut));
      clock.runUntil(1);
      expectPattern(socket.receive()?.bytes, 3000);
    }
  });

  it("that come in one Buffer, which is written again each time, become the datagram", () => {
    const { clock, host, socket } = listening(family);
    const lent = Buffer.alloc(2000);
    for (const piece of pieces) {
      lent.fill(0);
      lent.set(piece, 10);
      host.stack.receive(lent, 0, 10 + piece.length, 0, "lent");
    }
    lent.fill(0);
    host.stack.turn(0);
    clock.runUntil(1);
    expectPattern(socket.receive()?.bytes, 3000);
  });

  it("may come twice", () => {
    const { clock, host, socket, counters } = listening(family);
    for (const index of [0, 0, 1, 1, 2, 2, 3]) host.receive(pieces[index]!);
    clock.runUntil(1);
    expectPattern(socket.receive()?.bytes, 3000);
    expect(counters.read("ipReassembly")).toBe(0);
  });

  it.each([
    ["one byte block more than it should", { offset: 992, end: 2000 }],
    ["something in the middle of another", { offset: 200, end: 400 }],
    ["all of what is there", { offset: 0, end: 2000 }],
    ["the same place with another length", { offset: 0, end: 800 }],
    ["more after the last one", { offset: 3008, end: 3008, more: true }],
    ["a second end", { offset: 2000, end: 2504, more: false }],
  ])("that cover %s spoil the datagram, also for what comes later", (_, cut) => {
    const { clock, host, socket, counters } = listening(family);
    const order = [0, 1, 3];
    for (const index of order) host.receive(pieces[index]!);
    if (cut.end > cut.offset) host.receive(fragment(packet, cut));
    else host.receive(fragment(concat(packet, pattern(0, 8)), { ...cut, end: 3016 }));
    host.receive(pieces[2]!);
    for (const index of order) host.receive(pieces[index]!);
    clock.runUntil(1);
    expect(socket.receive()).toBeUndefined();
    expect(counters.read("ipReassembly")).toBe(1);
    clock.runUntil(60_001);
    expect(host.stack.budget.taken).toBe(0);
    // Forgotten by then: the same datagram may come again.
    for (const piece of pieces) host.receive(piece);
    clock.runUntil(60_002);
    expectPattern(socket.receive()?.bytes, 3000);
  });

  it("with other data in the same place spoil the datagram", () => {
    const { clock, host, socket } = listening(family);
    const forged = pieces[1]!.slice();
    forged[forged.length - 1]! ^= 1;
    for (const piece of [pieces[0]!, pieces[1]!, forged, pieces[2]!, pieces[3]!]) host.receive(piece);
    clock.runUntil(1);
    expect(socket.receive()).toBeUndefined();
  });

  it("of two datagrams are told apart by their identification", () => {
    const other = whole(family, 1500);
    const { clock, host, socket } = listening(family);
    const second = cuts(1508, 800).map((cut) => fragment(other, cut, 78));
    for (const piece of [pieces[0]!, second[0]!, pieces[1]!, pieces[2]!, second[1]!, pieces[3]!]) host.receive(piece);
    clock.runUntil(1);
    expectPattern(socket.receive()?.bytes, 1500);
    expectPattern(socket.receive()?.bytes, 3000);
  });

  it("that wait too long are given up, and their sender is told if the first one came", () => {
    const { clock, host, sent, counters } = listening(family);
    host.receive(pieces[0]!);
    clock.runUntil(59_999);
    expect(sent).toEqual([]);
    clock.runUntil(60_001);
    expect(sent).toHaveLength(1);
    const message = sent[0]!.subarray(family === 4 ? 20 : 40);
    expect([...message.subarray(0, 2)]).toEqual(family === 4 ? [11, 1] : [3, 1]);
    expect(message.subarray(8, 48)).toEqual(pieces[0]!.subarray(0, 40));
    host.receive(pieces[1]!);
    clock.runUntil(130_000);
    expect(sent).toHaveLength(1);
    expect(counters.read("ipReassembly")).toBe(2);
    expect(host.stack.budget.taken).toBe(0);
  });

  it.each([
    ["whose length is not a multiple of eight", { offset: 0, end: 1001, more: true }],
    ["of no bytes", { offset: 8, end: 8, more: true }],
  ])("%s are dropped", (_, cut) => {
    const { clock, host, counters } = listening(family);
    host.receive(fragment(packet, cut));
    clock.runUntil(1);
    expect(counters.read("ipFragment")).toBe(1);
    expect(host.stack.budget.taken).toBe(0);
  });

  it("beyond the largest datagram are dropped", () => {
    const { clock, host, counters } = listening(family);
    const piece = fragment(packet, { offset: 0, end: 1000, more: true });
    const field = family === 4 ? 6 : 42;
    const offset = 65_528;
    view(piece).setUint16(field, family === 4 ? 0x2000 + offset / 8 : offset + 1);
    if (family === 4) {
      view(piece).setUint16(10, 0);
      let sum = 0;
      for (let i = 0; i < 20; i += 2) sum += view(piece).getUint16(i);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      view(piece).setUint16(10, 0xffff - sum);
    }
    host.receive(piece);
    clock.runUntil(1);
    expect(counters.read("ipFragment")).toBe(1);
  });

  it("of eight bytes each buy no memory, and others' datagrams get through meanwhile", () => {
    const { clock, host, socket } = listening(family);
    const limit = 4 << 20;
    let most = 0;
    for (let datagram = 0; datagram < 100; datagram++) {
      for (let i = 1; i < 150; i++) {
        host.receive(fragment(packet, { offset: i * 16, end: i * 16 + 8, more: true }, 1000 + datagram));
        most = Math.max(most, host.stack.budget.taken);
      }
    }
    expect(most).toBeLessThanOrEqual(limit / 4 + 1024);
    const honest = pieces.map((piece) => otherSource(piece, family));
    for (const piece of honest.slice(0, 3)) host.receive(piece);
    for (let i = 1; i < 3000; i++) {
      host.receive(fragment(packet, { offset: 16, end: 24, more: true }, 5000 + i));
    }
    host.receive(honest[3]!);
    clock.runUntil(1);
    // Its checksum is that of the other source, so it gets no further than UDP; it was put together.
    expect(host.stack.counters.read("udpChecksum")).toBe(1);
    expect(socket.receive()).toBeUndefined();
    clock.runUntil(61_000);
    expect(host.stack.budget.taken).toBe(0);
  });

  it("of one datagram are bounded in number", () => {
    const { clock, host, counters } = listening(family);
    for (let i = 0; i < 300; i++) host.receive(fragment(packet, { offset: i * 8, end: i * 8 + 8, more: true }));
    expect(counters.read("ipReassembly")).toBe(1);
    clock.runUntil(61_000);
    expect(host.stack.budget.taken).toBe(0);
  });

  it("take no memory that the network has not", () => {
    const { clock, host } = listening(family, 4096);
    for (let i = 0; i < 100; i++) host.receive(fragment(packet, { offset: 0, end: 1000 }, i));
    expect(host.stack.budget.taken).toBeLessThanOrEqual(4096);
    clock.runUntil(61_000);
    expect(host.stack.budget.taken).toBe(0);
  });

  it("are what a datagram larger than the path becomes", () => {
    for (const bytes of [1400, 5000, family === 4 ? 65_507 : 65_527]) {
      const { clock, host, sent } = machine(family, 1280, [PEER[family]]);
      const socket = host.stack.udp.open({ localPort: 7 });
      if (typeof socket === "string") throw new Error(socket);
      expect(socket.send(pattern(0, bytes), IpAddress.parse(OWN[family])!, 53)).toBeUndefined();
      clock.runUntil(1);
      expect(sent.length).toBeGreaterThan(1);
      for (const piece of sent) expect(piece.length).toBeLessThanOrEqual(1280);
      const receiver = listening(family);
      for (const piece of sent) receiver.host.receive(piece);
      receiver.clock.runUntil(1);
      expectPattern(receiver.socket.receive()?.bytes, bytes);
    }
  });

  it("with random places and lengths never throw, never leak and never give what was not sent", () => {
    const piece = fc.record({
      offset: fc.integer({ min: 0, max: 376 }).map((n) => n * 8),
      length: fc.integer({ min: 1, max: 200 }).map((n) => n * 8),
      last: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (list) => {
        const { clock, host, socket } = listening(family);
        for (const { offset, length, last } of list) {
          const end = Math.min(payloadLength, offset + length);
          host.receive(fragment(packet, { offset, end: last ? payloadLength : end & ~7, more: !last }));
        }
        clock.runUntil(1);
        for (let datagram = socket.receive(); datagram !== undefined; datagram = socket.receive()) {
          expectPattern(datagram.bytes, 3000);
        }
        clock.runUntil(61_000);
        expect(host.stack.budget.taken).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

function otherSource(piece: Uint8Array, family: Family): Uint8Array {
  const copy = piece.slice();
  if (family === 6) {
    copy[9] = 0x99; // another /64
    return copy;
  }
  copy[15] = 77;
  view(copy).setUint16(10, 0);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += view(copy).getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view(copy).setUint16(10, 0xffff - sum);
  return copy;
}
