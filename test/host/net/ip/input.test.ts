import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import type { NetCounter } from "../../../../host/net/counters.ts";
import { VirtualClock } from "../../../net/clock.ts";
import { Host } from "../../../net/host.ts";
import { ipHeader } from "../../../net/script/segment.ts";
import { icmpPacket } from "../../../net/too-big.ts";
import { concat, onesSum, pseudoSum, view } from "../../../reference/packets.ts";
import { Random } from "../../../simulation/random.ts";

const OWN4 = Uint8Array.of(192, 0, 2, 1);
const PEER4 = Uint8Array.of(192, 0, 2, 2);
const OWN6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const PEER6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

function machine() {
  const clock = new VirtualClock();
  const sent: Uint8Array[] = [];
  const host = new Host(clock, new Random(1), {
    addresses: ["192.0.2.1", "2001:db8::1"],
    mtu: 1400,
    send: (packet) => sent.push(packet),
  });
  const socket = host.stack.udp.open({ localPort: 53 });
  if (typeof socket === "string") throw new Error(socket);
  const dropped = (counter: NetCounter) => host.stack.counters.read(counter);
  return { clock, host, sent, socket, dropped };
}

/** A datagram to port 53. @param extensions whole IPv6 extension headers, with the type of the first */
function datagram(
  source: Uint8Array,
  destination: Uint8Array,
  extensions: Uint8Array = new Uint8Array(0),
  first = 60,
): Uint8Array {
  const body = concat(Uint8Array.of(0x10, 0, 0, 53, 0, 12, 0, 0), Uint8Array.of(1, 2, 3, 4));
  const plain = concat(ipHeader(source, destination, 17, body.length), body);
  const checksum = 0xffff - onesSum(body, pseudoSum(plain, 17, body.length));
  view(body).setUint16(6, checksum);
  const chained = extensions.length > 0;
  const header = ipHeader(source, destination, chained ? first : 17, extensions.length + body.length);
  if (source.length === 4) seal(header);
  return concat(header, extensions, body);
}

function seal(packet: Uint8Array): Uint8Array {
  const length = (packet[0]! & 15) * 4;
  view(packet).setUint16(10, 0);
  view(packet).setUint16(10, 0xffff - onesSum(packet.subarray(0, length)));
  return packet;
}

/** IPv4 with options. */
function withOptions(options: number[]): Uint8Array {
  const plain = datagram(PEER4, OWN4);
  const packet = concat(plain.subarray(0, 20), Uint8Array.from(options), plain.subarray(20));
  packet[0] = 0x45 + options.length / 4;
  view(packet).setUint16(2, packet.length);
  return seal(packet);
}

function deliver(packet: Uint8Array) {
  const made = machine();
  made.host.receive(packet);
  made.clock.runUntil(1);
  return made;
}

/** Type and code of an ICMP message, and the 32 bits after its checksum. */
function told(packet: Uint8Array | undefined): number[] | undefined {
  if (packet === undefined) return undefined;
  const start = packet[0]! >> 4 === 4 ? 20 : 40;
  return [packet[start]!, packet[start + 1]!, view(packet).getUint32(start + 4)];
}

describe("a packet", () => {
  it("for us reaches its socket", () => {
    expect(deliver(datagram(PEER4, OWN4)).socket.receive()?.bytes).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(deliver(datagram(PEER6, OWN6)).socket.receive()?.bytes).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it("with bytes behind its end is taken without them", () => {
    const { socket } = deliver(concat(datagram(PEER4, OWN4), new Uint8Array(20).fill(9)));
    expect(socket.receive()?.bytes).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  const broken: [string, NetCounter, Uint8Array][] = [
    ["of nothing", "ipTruncated", new Uint8Array(0)],
    ["of another version", "ipHeader", Uint8Array.from({ length: 40 }, () => 0x55)],
    ["cut off in its IPv4 header", "ipTruncated", datagram(PEER4, OWN4).subarray(0, 19)],
    ["cut off in its IPv6 header", "ipTruncated", datagram(PEER6, OWN6).subarray(0, 39)],
    ["shorter than it says", "ipTruncated", datagram(PEER6, OWN6).subarray(0, 50)],
    ["with a wrong header checksum", "ipChecksum", Object.assign(datagram(PEER4, OWN4), { 8: 1 })],
    ["for another address", "ipNotOurs", datagram(PEER4, Uint8Array.of(192, 0, 2, 3))],
    ["for a group", "ipNotOurs", datagram(PEER4, Uint8Array.of(224, 0, 0, 1))],
    ["from a group", "ipAddress", datagram(Uint8Array.of(224, 0, 0, 1), OWN4)],
    ["from everybody", "ipAddress", datagram(Uint8Array.of(255, 255, 255, 255), OWN4)],
    ["from nobody", "ipAddress", datagram(Uint8Array.of(0, 0, 0, 0), OWN4)],
    ["from loopback", "ipAddress", datagram(Uint8Array.of(127, 0, 0, 1), OWN4)],
    ["from ourselves", "ipAddress", datagram(OWN4, OWN4)],
    ["from an IPv6 group", "ipAddress", datagram(Uint8Array.from(PEER6).fill(0xff, 0, 1), OWN6)],
    ["from the unspecified address", "ipAddress", datagram(new Uint8Array(16), OWN6)],
    ["from ::1", "ipAddress", datagram(Object.assign(new Uint8Array(16), { 15: 1 }), OWN6)],
    [
      "from a mapped IPv4 address",
      "ipAddress",
      datagram(Object.assign(new Uint8Array(16), { 10: 255, 11: 255, 15: 9 }), OWN6),
    ],
  ];
  it.each(broken)("%s is dropped, counted as %s, and nobody is told", (_, counter, packet) => {
    const { sent, socket, dropped } = deliver(packet);
    expect(dropped(counter)).toBe(1);
    expect(socket.receive()).toBeUndefined();
    expect(sent).toEqual([]);
  });

  it("of an unknown protocol is answered by an error", () => {
    const header = seal(ipHeader(PEER4, OWN4, 200, 8));
    expect(told(deliver(concat(header, new Uint8Array(8))).sent[0])).toEqual([3, 2, 0]);
    const six = concat(ipHeader(PEER6, OWN6, 200, 8), new Uint8Array(8));
    expect(told(deliver(six).sent[0])).toEqual([4, 1, 6]);
    expect(deliver(six).dropped("ipProtocol")).toBe(1);
  });
});

describe("options of IPv4", () => {
  it("that mean nothing here are passed over", () => {
    expect(deliver(withOptions([1, 1, 1, 0])).socket.receive()).toBeDefined();
    expect(deliver(withOptions([148, 4, 0, 0])).socket.receive()).toBeDefined();
  });

  it.each([
    ["a loose source route", [131, 7, 4, 10, 0, 0, 1, 0], 20],
    ["a strict source route behind padding", [1, 137, 7, 4, 10, 0, 0, 1], 21],
    ["an option that is cut off", [7, 40, 4, 0], 20],
    ["an option of no length", [7, 0, 0, 0], 20],
  ])("with %s are refused, and the sender is told where", (_, options, at) => {
    const { sent, socket, dropped } = deliver(withOptions(options));
    expect(socket.receive()).toBeUndefined();
    expect(dropped("ipHeader")).toBe(1);
    expect(told(sent[0])).toEqual([12, 0, at * 2 ** 24]);
  });
});

describe("extension headers of IPv6", () => {
  const pad = (next: number): Uint8Array<ArrayBuffer> => Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0);
  const deliver6 = (extensions: Uint8Array, first: number) => deliver(datagram(PEER6, OWN6, extensions, first));

  it("that ask for nothing are passed over", () => {
    expect(deliver6(pad(17), 0).socket.receive()).toBeDefined();
    expect(deliver6(concat(pad(60), pad(17)), 0).socket.receive()).toBeDefined();
    expect(deliver6(Uint8Array.of(17, 0, 0, 0, 0, 0, 0, 0), 43).socket.receive()).toBeDefined();
    const padded = concat(Uint8Array.of(17, 1), new Uint8Array(14)); // all Pad1
    expect(deliver6(padded, 60).socket.receive()).toBeDefined();
  });

  it("around an atomic fragment are passed over (RFC 6946)", () => {
    const atomic = Uint8Array.of(60, 0, 0, 0, 1, 2, 3, 4);
    expect(deliver6(concat(pad(44), atomic, pad(17)), 60).socket.receive()).toBeDefined();
  });

  const faulty: [string, Uint8Array, number, number[] | undefined][] = [
    ["a routing header of type 0 with segments left", Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 0), 43, [4, 0, 42]],
    ["an unknown routing header with segments left", Uint8Array.of(17, 0, 99, 1, 0, 0, 0, 0), 43, [4, 0, 42]],
    ["an option that says to drop", Uint8Array.of(17, 0, 0x40, 4, 0, 0, 0, 0), 60, undefined],
    ["an option that says to drop and tell", Uint8Array.of(17, 0, 0x80, 4, 0, 0, 0, 0), 60, [4, 2, 42]],
    ["an option that says to tell unless for a group", Uint8Array.of(17, 0, 1, 0, 0xc0, 2, 0, 0), 60, [4, 2, 44]],
    ["an option that is cut off", Uint8Array.of(17, 0, 1, 60, 0, 0, 0, 0), 60, undefined],
    ["hop-by-hop options in the wrong place", concat(pad(0), pad(17)), 60, [4, 1, 40]],
    ["a header that is cut off", Uint8Array.of(17, 200, 1, 4, 0, 0, 0, 0), 60, undefined],
    ["nine of them", concat(...new Array(8).fill(pad(60)), pad(17)), 60, undefined],
    [
      "two fragment headers",
      concat(Uint8Array.of(44, 0, 0, 0, 0, 0, 0, 1), Uint8Array.of(17, 0, 0, 0, 0, 0, 0, 1)),
      44,
      undefined,
    ],
    ["a first fragment without the whole chain", Uint8Array.of(60, 0, 0, 1, 0, 0, 0, 1), 44, [4, 3, 40]],
  ];
  it.each(faulty)("with %s are refused", (_, extensions, first, error) => {
    const whole = datagram(PEER6, OWN6, extensions, first);
    // A chain that goes on beyond the packet: nothing of UDP is there.
    const packet = error?.[1] === 3 ? whole.subarray(0, 48) : whole;
    if (error?.[1] === 3) view(packet).setUint16(4, 8);
    const { sent, socket } = deliver(packet);
    expect(socket.receive()).toBeUndefined();
    expect(told(sent[0])).toEqual(error);
  });
});

describe("ICMP errors are never sent", () => {
  it("about ICMP errors", () => {
    const error = concat(Uint8Array.of(3, 3, 0, 0, 0, 0, 0, 0), new Uint8Array(28));
    const packet = icmpPacket(error, PEER4, OWN4);
    const options = concat(packet.subarray(0, 20), Uint8Array.of(131, 4, 4, 0), packet.subarray(20));
    options[0] = 0x46;
    view(options).setUint16(2, options.length);
    expect(deliver(seal(options)).sent).toEqual([]);
  });

  it("about fragments that are not the first", () => {
    const packet = concat(ipHeader(PEER4, OWN4, 17, 9), new Uint8Array(9));
    view(packet).setUint16(6, 0x2000 + 10);
    expect(deliver(seal(packet)).sent).toEqual([]);
  });
});

describe("whatever comes", () => {
  const valid = [
    datagram(PEER4, OWN4),
    datagram(PEER6, OWN6),
    withOptions([148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0]),
    datagram(
      PEER6,
      OWN6,
      concat(
        Uint8Array.of(60, 0, 1, 4, 0, 0, 0, 0),
        Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0),
        Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 7),
      ),
      0,
    ),
    icmpPacket(concat(Uint8Array.of(8, 0, 0, 0, 1, 2, 3, 4), new Uint8Array(30)), PEER4, OWN4),
    icmpPacket(concat(Uint8Array.of(128, 0, 0, 0, 1, 2, 3, 4), new Uint8Array(30)), PEER6, OWN6),
    icmpPacket(concat(Uint8Array.of(3, 4, 0, 0, 0, 0, 2, 0), seal(datagram(OWN4, PEER4))), PEER4, OWN4),
    icmpPacket(concat(Uint8Array.of(2, 0, 0, 0, 0, 0, 5, 0), datagram(OWN6, PEER6)), PEER6, OWN6),
  ];

  function survives(packets: Uint8Array[]): void {
    const { clock, host } = machine();
    for (const packet of packets) host.receive(packet);
    clock.runUntil(61_000);
    while (host.stack.udp.sockets()[0]!.receive() !== undefined);
    expect(host.stack.budget.taken).toBe(0);
    // Nothing was sent to anybody, so no error can have been about it.
    expect(host.stack.ip.pathMtu(IpAddress.fromBytes(PEER4))).toBe(1400);
    expect(host.stack.ip.pathMtu(IpAddress.fromBytes(PEER6))).toBe(1400);
  }

  it("does no harm: random bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 20 }), (packets) => survives(packets)),
      { numRuns: 300 },
    );
  });

  it("does no harm: packets with some bytes changed, checksums made right again", () => {
    const change = fc.record({
      which: fc.nat(valid.length - 1),
      changes: fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      cut: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(60), weight: 1 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), (list) => {
        survives(
          list.map(({ which, changes, cut }) => {
            const packet = valid[which]!.slice();
            for (const [at, value] of changes) packet[at % packet.length] = value;
            if (packet[0]! >> 4 === 4 && (packet[0]! & 15) * 4 <= packet.length && packet.length >= 20) seal(packet);
            return packet.subarray(0, packet.length - Math.min(cut, packet.length));
          }),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
