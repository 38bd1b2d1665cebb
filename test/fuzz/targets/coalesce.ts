/** Batches of packets from peers: each is in exactly one write, nothing else is touched, and what was merged splits into what it was. */
import fc from "fast-check";
import { expect } from "vitest";
import { view } from "../../reference/packets.ts";
import { splitReference } from "../../reference/superpacket.ts";
import { flowBatch } from "../../support/arbitrary-packets.ts";
import { Coalescing } from "../../support/coalescing.ts";
import { mutated } from "../mutate.ts";
import { loadPacketCore } from "../packet-core.ts";
import type { Target } from "../target.ts";

/** Identifications mean nothing under DF, and a superpacket cannot say that they were all the same. */
function withoutAtomicId(packet: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(packet);
  if (copy[0]! >> 4 === 4 && copy[6]! & 0x40) {
    view(copy).setUint16(4, 0);
    view(copy).setUint16(10, 0);
  }
  return copy;
}

/** A batch with up to four packets changed. */
const batch = flowBatch().chain((packets) =>
  fc
    .array(
      fc.nat(packets.length - 1).chain((i) => fc.tuple(fc.constant(i), mutated([packets[i]!]))),
      { maxLength: 4 },
    )
    .map((changes) => {
      const changed = new Map(changes);
      return packets.map((packet, i) => changed.get(i) ?? packet).filter(({ length }) => length > 0);
    }),
);

export const coalesce: Target = {
  name: "coalesce",
  about: "packets of peers on their way to a TUN device",
  async open() {
    const coalescing = new Coalescing(await loadPacketCore());
    return fc.property(batch, fc.boolean(), fc.boolean(), (packets, tcp, udp) => {
      const writes = coalescing.run(packets, { vnet: true, tcp, udp });
      const places = writes.flatMap(({ from }) => from).sort((a, b) => a - b);
      expect(places).toEqual(packets.map((_, i) => i));
      for (const { vnet, packet, from } of writes) {
        if (from.length === 1) expect(Buffer.compare(packet, packets[from[0]!]!)).toBe(0);
        else {
          const segments = splitReference(packet, vnet!.gsoSize);
          expect(segments.map(withoutAtomicId)).toEqual(from.map((i) => withoutAtomicId(packets[i]!)));
        }
      }
    });
  },
};
