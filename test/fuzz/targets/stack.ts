/** IP, ICMP, UDP and the first segments of TCP: nothing is held for long, no path is believed smaller, and answers stay few. */
import fc from "fast-check";
import { expect } from "vitest";
import { IpAddress } from "../../../host/net/address.ts";
import { VirtualClock } from "../../net/clock.ts";
import { Host } from "../../net/host.ts";
import { icmpPacket } from "../../net/too-big.ts";
import { buildPacket, concat, SYN } from "../../reference/packets.ts";
import { Random } from "../../simulation/random.ts";
import { hostile } from "../mutate.ts";
import { sealed } from "../sealed.ts";
import type { Target } from "../target.ts";

const PORT = 53;
const MTU = 1400;
/** Longer than fragments and half-open connections are kept. */
const QUIET_MS = 600_000;

const fields = (version: 4 | 6, protocol: "udp" | "tcp", extra = {}) =>
  buildPacket({
    version,
    protocol,
    sourcePort: 4096,
    destinationPort: PORT,
    flags: SYN,
    window: 5000,
    payload: protocol === "udp" ? Uint8Array.of(1, 2, 3, 4) : new Uint8Array(),
    ...extra,
  });
const datagrams = [fields(4, "udp"), fields(6, "udp")] as const;
const addresses = {
  4: { source: datagrams[0].slice(12, 16), own: datagrams[0].slice(16, 20) },
  6: { source: datagrams[1].slice(8, 24), own: datagrams[1].slice(24, 40) },
} as const;
const HEADERS = Uint8Array.of(60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 7);
const ping = (version: 4 | 6, ...head: number[]) =>
  icmpPacket(concat(Uint8Array.from(head), new Uint8Array(30)), addresses[version].source, addresses[version].own);
/** A router's error about a datagram that we never sent. */
const tooSmall = (version: 4 | 6, ...head: number[]) => {
  const { source, own } = addresses[version];
  return icmpPacket(concat(Uint8Array.from(head), datagrams[version === 4 ? 0 : 1]), source, own);
};
const VALID = [
  ...datagrams,
  fields(6, "udp", { extensions: HEADERS, extensionType: 0 }),
  fields(4, "tcp", {
    options: Uint8Array.of(2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0),
  }),
  fields(6, "tcp", { options: Uint8Array.of(2, 4, 5, 0xb4) }),
  ping(4, 8, 0, 0, 0, 1, 2, 3, 4),
  ping(6, 128, 0, 0, 0, 1, 2, 3, 4),
  tooSmall(4, 3, 4, 0, 0, 0, 0, 2, 0),
  tooSmall(6, 2, 0, 0, 0, 0, 0, 5, 0),
];

export const stack: Target = {
  name: "stack",
  about: "packets for the network stack: IP, ICMP, UDP, connection requests",
  async open() {
    const packet = fc.tuple(hostile(VALID), fc.boolean()).map(([bytes, right]) => (right ? sealed(bytes) : bytes));
    const own = [addresses[4].own, addresses[6].own].map((bytes) => String(IpAddress.fromBytes(bytes)));
    return fc.property(fc.array(packet, { minLength: 1, maxLength: 20 }), (packets) => {
      const clock = new VirtualClock();
      let sentBytes = 0;
      const host = new Host(clock, new Random(1), {
        addresses: own,
        mtu: MTU,
        send: (sent) => {
          expect(sent.length).toBeLessThanOrEqual(MTU);
          sentBytes += sent.length;
        },
      });
      const socket = host.stack.udp.open({ localPort: PORT });
      host.stack.tcp.listen({ port: PORT });
      for (const bytes of packets) host.receive(bytes);
      clock.runUntil(1);
      // An error quotes what it is about, so it is larger by its own headers.
      expect(sentBytes).toBeLessThanOrEqual(packets.reduce((sum, { length }) => sum + length + 100, 0));
      expect(host.stack.counters.read("packetsIn")).toBe(packets.length);
      clock.runUntil(QUIET_MS);
      if (typeof socket !== "string") while (socket.receive() !== undefined);
      for (const { source } of [addresses[4], addresses[6]]) {
        expect(host.stack.ip.pathMtu(IpAddress.fromBytes(source))).toBe(MTU);
      }
      host.stack.close();
      expect(host.stack.budget.taken).toBe(0);
      expect(host.stack.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    });
  },
};
