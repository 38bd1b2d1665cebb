// Random packets for property tests: superpackets as a TUN device gives them, and flows as a peer sends them.
import fc from "fast-check";
import { ACK, CWR, FIN, type PacketFields, PSH } from "../reference/packets.ts";

/** Bytes that are cheap to make and whose every position matters. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 24);
}

const options = fc.nat(10).map((words) => pattern(words * 4, words));

/** Fields of one TCP or UDP superpacket with at least one byte of payload. */
export function superpacketFields(): fc.Arbitrary<PacketFields> {
  return fc.record({
    version: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    source: fc.nat(0xffff),
    destination: fc.nat(0xffff),
    sourcePort: fc.nat(0xffff),
    destinationPort: fc.nat(0xffff),
    tos: fc.nat(255),
    ttl: fc.integer({ min: 1, max: 255 }),
    id: fc.nat(0xffff),
    dontFragment: fc.boolean(),
    flowLabel: fc.nat(0xfffff),
    sequence: fc.nat(0xffffffff),
    acknowledgement: fc.nat(0xffffffff),
    flags: fc.constantFrom(ACK, ACK | PSH, ACK | PSH | FIN, ACK | CWR),
    window: fc.nat(0xffff),
    options,
    payload: fc
      .tuple(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20000 })), fc.nat(1e6))
      .map(([length, seed]) => pattern(length, seed)),
  });
}
