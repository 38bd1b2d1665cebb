/** Datagrams of rtnetlink: no more events than headers fit, and each whole. */
import fc from "fast-check";
import { expect } from "vitest";
import { type NetworkEvent, parseNetlink } from "../../../host/os/linux/netlink.ts";
import { concat } from "../../reference/packets.ts";
import { hostile } from "../mutate.ts";
import type { Target } from "../target.ts";

const HEADER_BYTES = 16;
/** A message as the kernel sends it: length, type, no flags; little endian. */
function message(type: number, ...body: number[]): Uint8Array {
  return Uint8Array.from([HEADER_BYTES + body.length, 0, 0, 0, type, ...new Array(11).fill(0), ...body]);
}

const IFINFOMSG = [0, 0, 1, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
const ATTRIBUTES = [
  8, 0, 3, 0, 0x77, 0x67, 0x30, 0, 8, 0, 4, 0, 0x8c, 5, 0, 0, 8, 0, 45, 0, 3, 0, 0, 0, 8, 0, 49, 0, 9, 0, 0, 0,
];
const VALID = [
  message(16, ...IFINFOMSG, ...ATTRIBUTES),
  message(17, ...IFINFOMSG, ...ATTRIBUTES),
  message(20, 2, 32, 0, 0, 7, 0, 0, 0),
  message(21, 10, 128, 0, 0, 7, 0, 0, 0),
  message(24, 2, ...new Array(11).fill(0)),
  message(33, 10, ...new Array(11).fill(0)),
];

function expectWhole(event: NetworkEvent): void {
  if (event.kind === "overflow") return expect.unreachable();
  expect(typeof event.removed).toBe("boolean");
  if (event.kind !== "link") return expect([4, 6]).toContain(event.family);
  expect([event.index, event.mtu].every(Number.isInteger)).toBe(true);
  expect(event.name).not.toContain("\0");
}

export const netlink: Target = {
  name: "netlink",
  about: "the kernel's news of links, addresses and routes",
  async open() {
    const datagram = fc.array(hostile([...VALID, concat(...VALID)]), { maxLength: 4 }).map((all) => concat(...all));
    return fc.property(datagram, (bytes) => {
      let count = 0;
      parseNetlink(bytes, (event) => {
        count += 1;
        expectWhole(event);
      });
      expect(count).toBeLessThanOrEqual(bytes.length / HEADER_BYTES);
    });
  },
};
