/**
 * What a tunnel is for: packets of both families get through, over both families, small and large, both ways.
 */
import { describe, expect, test } from "vitest";
import { pairs } from "./support/implementations.ts";
import { floodPing, iperf, ping } from "./support/traffic.ts";
import { type Family, sharedTunnel } from "./support/tunnel.ts";

const sizes = [
  { outer: "ipv4", mtu: 1420, linkMtu: 1500 },
  { outer: "ipv6", mtu: 1420, linkMtu: 1500 },
  { outer: "ipv4", mtu: 34736, linkMtu: 65535 },
  { outer: "ipv6", mtu: 34736, linkMtu: 65535 },
] as const;
const families: Family[] = ["ipv4", "ipv6"];
const HEADERS = { ipv4: 28, ipv6: 48 };

describe.each(pairs)("$name", (pair) => {
  describe.each(sizes)("over $outer with MTU $mtu", ({ outer, mtu, linkMtu }) => {
    const tunnelFor = sharedTunnel(pair, { outer, mtu, linkMtu });

    for (const inner of families) {
      test(`${inner} pings are answered both ways`, async (ctx) => {
        const { near, far } = await tunnelFor(ctx);
        expect(await ping(near.namespace, far.inside(inner), { count: 5 })).toEqual({ sent: 5, received: 5 });
        expect(await ping(far.namespace, near.inside(inner), { count: 5 })).toEqual({ sent: 5, received: 5 });
      });

      test(`${inner} pings as large as the MTU are answered`, async (ctx) => {
        const { near, far } = await tunnelFor(ctx);
        const size = mtu - HEADERS[inner];
        expect(await ping(near.namespace, far.inside(inner), { count: 3, size })).toEqual({ sent: 3, received: 3 });
      });

      test(`${inner} flood pings are all answered`, async (ctx) => {
        const { near, far } = await tunnelFor(ctx);
        const flood = await floodPing(near.namespace, far.inside(inner), 200);
        expect(flood).toEqual({ sent: 200, received: 200 });
      });

      for (const direction of ["forward", "reverse"] as const) {
        test(`${inner} TCP ${direction}`, async (ctx) => {
          const { near, far } = await tunnelFor(ctx);
          const result = await iperf(near.namespace, far.namespace, far.inside(inner), { protocol: "tcp", direction });
          expect(result.megabitsPerSecond).toBeGreaterThan(20);
        });

        test(`${inner} UDP ${direction}`, async (ctx) => {
          const { near, far } = await tunnelFor(ctx);
          const result = await iperf(near.namespace, far.namespace, far.inside(inner), { protocol: "udp", direction });
          // A paced stream; but a socket's default buffer holds only a few of the largest datagrams.
          expect(result.lostPercent).toBeLessThan(mtu > 1500 ? 25 : 5);
          expect(result.megabitsPerSecond).toBeGreaterThan(10);
        });
      }
    }
  });
});
