/** Reads of a TUN device that end where memory ends: nothing behind them is read, nothing outside the room for a packet is written. */
import fc from "fast-check";
import { expect } from "vitest";
import { buildPacket, concat } from "../../reference/packets.ts";
import { encodeVnet, vnetFor } from "../../reference/superpacket.ts";
import { superpacketFields } from "../../support/arbitrary-packets.ts";
import { ARENA } from "../../support/packet-core.ts";
import { mutationOf } from "../mutate.ts";
import { loadPacketCore } from "../packet-core.ts";
import type { Target } from "../target.ts";

const VNET_BYTES = 10;
const GUARD_BYTES = 64;
/** The largest packet, and what a round of the cipher may want behind it. */
const ROOM = 0x10000;

const superRead = fc
  .tuple(superpacketFields(), fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 2000 })))
  .map(([fields, gsoSize]) => [buildPacket(fields), gsoSize] as const)
  .map(([packet, gsoSize]) => concat(encodeVnet(vnetFor(packet, gsoSize)), packet));

export const split: Target = {
  name: "split",
  about: "superpackets of a TUN device, their headers, ICMP errors about them",
  async open() {
    const core = await loadPacketCore();
    const { exports } = core;
    const end = exports.memory.buffer.byteLength;
    const out = ARENA + GUARD_BYTES;
    core.clear(ARENA, ROOM + 2 * GUARD_BYTES);
    return fc.property(mutationOf(superRead), fc.nat(255), (read, tos) => {
      const at = end - read.length;
      core.put(at, read);
      const count = exports.splitBegin(at, read.length);
      let packets = 0;
      for (let length = exports.splitNext(out); length !== 0; length = exports.splitNext(out)) {
        packets += 1;
        if (packets > count || length > read.length) throw new Error(`packet ${packets} of ${count}, ${length} bytes`);
        const astray = core.firstTouched(ARENA, out) + core.firstTouched(out + length, out + length + GUARD_BYTES);
        if (astray !== -2) throw new Error(`packet ${packets}: bytes around its room were written`);
        core.clear(out, length);
      }
      expect(packets).toBe(Math.max(0, count));
      expect(Buffer.compare(core.get(at, read.length), read)).toBe(0);
      if (read.length <= VNET_BYTES) return;
      const [packet, length] = [at + VNET_BYTES, read.length - VNET_BYTES];
      expect(exports.innerLength(packet, length)).toBeLessThanOrEqual(length);
      const error = exports.icmpError(out, packet, length, tos & 1, 1280);
      expect(error).toBeLessThanOrEqual(1280);
      expect(core.firstTouched(out + error, out + error + GUARD_BYTES)).toBe(-1);
      core.clear(out, error);
      const kind = exports.version(packet, length);
      if (kind) exports.decapsulate(packet, kind, tos);
    });
  },
};
