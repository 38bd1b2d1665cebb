import { expect, it } from "vitest";
import { buildPacket } from "../../reference/packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { ecnOf, decapsulate } = core.exports;

// RFC 6040 figure 4: rows by inner, columns by outer; Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3. Where it drops (Not-ECT with
// an outer CE), the kernel delivers, and so do we.
const OUTGOING = [
  [0, 0, 0, 0],
  [1, 1, 1, 3],
  [2, 1, 2, 3],
  [3, 3, 3, 3],
];

it.each([4, 6] as const)(
  "combines inner and outer as RFC 6040 says, and delivers what knows no ECN, IPv%i",
  (version) => {
    for (let tos = 0; tos < 256; tos++) {
      for (const outer of [0, 1, 2, 3, 0xb8, 0x29, 0xfe, 0xff]) {
        const fields = {
          version,
          protocol: "udp" as const,
          payload: Uint8Array.of(tos),
          flowLabel: 0xabcde,
          id: outer * 251,
        };
        core.put(ARENA, buildPacket({ ...fields, tos }));
        const expected = OUTGOING[tos & 3]![outer & 3]!;
        decapsulate(ARENA, version, outer);
        const after = core.get(ARENA, (version === 4 ? 20 : 40) + 9);
        const wanted = buildPacket({ ...fields, tos: (tos & ~3) | expected });
        if (Buffer.compare(after, wanted) !== 0) expect.fail(`inner ${tos}, outer ${outer}`);
        // What goes on with packets that came with the same outer field, and has what became of theirs, has its own already.
        decapsulate(ARENA, version, outer);
        expect(Buffer.compare(core.get(ARENA, after.length), after)).toBe(0);
      }
    }
  },
);

it("takes the field to send from the inner packet", () => {
  for (const version of [4, 6] as const) {
    for (let tos = 0; tos < 256; tos++) {
      core.put(ARENA, buildPacket({ version, protocol: "udp", payload: new Uint8Array(1), tos }));
      expect(ecnOf(ARENA, version)).toBe(tos & 3);
    }
  }
});
