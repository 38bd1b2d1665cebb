// Random packets for property tests: superpackets as a TUN device gives them, and flows as a peer sends them.
import fc from "fast-check";
import { ACK, buildPacket, CWR, FIN, fixChecksums, type PacketFields, PSH, parse, view } from "../reference/packets.ts";

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
      .tuple(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 5000 })), fc.nat(1e6))
      .map(([length, seed]) => pattern(length, seed)),
  });
}

/** What one packet of a random flow does differently from the orderly next one. */
const quirk = fc.constantFrom(
  ..."none none none none none none none none none push short empty long syn fin urgent window ack ttl tos".split(" "),
  ..."option id gap checksum ipChecksum fragment dontFragment length reserved label zeroChecksum".split(" "),
);

const packetOfFlow = fc.record({ flow: fc.nat(3), quirk, size: fc.integer({ min: 1, max: 40 }) });

/** A batch of packets of up to four interleaved TCP and UDP flows, most of them mergeable. */
export function flowBatch(): fc.Arbitrary<Uint8Array[]> {
  const flow = fc.record({
    fields: superpacketFields(),
    segment: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 60 }) }, fc.integer({ min: 1000, max: 4000 })),
    ids: fc.constantFrom(0, 1),
  });
  return fc
    .tuple(fc.array(flow, { minLength: 4, maxLength: 4 }), fc.array(packetOfFlow, { minLength: 1, maxLength: 40 }))
    .map(([flows, packets]) => {
      const states = flows.map(({ fields, segment, ids }) => ({ fields: { ...fields, flags: ACK }, segment, ids }));
      return packets.map((packet) => nextOfFlow(states[packet.flow]!, packet.quirk, packet.size));
    });
}

interface FlowState {
  fields: PacketFields;
  segment: number;
  ids: number;
}

function nextOfFlow(state: FlowState, quirk: string, size: number): Uint8Array {
  const { fields } = state;
  if (quirk === "gap") fields.sequence = ((fields.sequence ?? 0) + size) % 2 ** 32;
  if (quirk === "id") fields.id = ((fields.id ?? 0) + size) % 2 ** 16;
  const changes: Record<string, Partial<PacketFields>> = {
    push: { flags: ACK | PSH },
    syn: { flags: ACK | 2 },
    fin: { flags: ACK | FIN },
    urgent: { flags: ACK | 0x20 },
    window: { window: size },
    ack: { acknowledgement: size },
    ttl: { ttl: size },
    tos: { tos: size },
    label: { flowLabel: size },
    dontFragment: { dontFragment: fields.dontFragment === false },
    option: { options: pattern(4 * (size % 10), size) },
  };
  const lengths: Record<string, number> = {
    short: Math.min(size, state.segment),
    empty: 0,
    long: state.segment + size,
  };
  const length = lengths[quirk] ?? state.segment;
  const packet = buildPacket({ ...fields, ...changes[quirk], payload: pattern(length, size) });
  fields.sequence = ((fields.sequence ?? 0) + length) % 2 ** 32;
  fields.id = ((fields.id ?? 0) + state.ids) % 2 ** 16;
  spoil(packet, quirk, size);
  return packet;
}

/** Faults that a builder of right packets does not make. */
function spoil(packet: Uint8Array, quirk: string, size: number): void {
  const { version, protocol, transport } = parse(packet);
  const data = view(packet);
  const checksum = transport + (protocol === 6 ? 16 : 6);
  if (quirk === "checksum") data.setUint16(checksum, data.getUint16(checksum) ^ size);
  if (quirk === "zeroChecksum") data.setUint16(checksum, 0);
  if (quirk === "ipChecksum" && version === 4) data.setUint16(10, data.getUint16(10) ^ size);
  if (quirk === "reserved" && protocol === 6) packet[transport + 12]! |= 1;
  if (quirk === "length" && protocol === 17) data.setUint16(transport + 4, size);
  if (quirk === "fragment" && version === 4) data.setUint16(6, 0x2000 | size);
  if (["reserved", "length", "fragment"].includes(quirk)) fixChecksums(packet, parse(packet));
}
