/**
 * Every offload can be turned off, alone or with all others, at one end or both, and the tunnel still carries bulk
 * traffic of both protocols in both directions.
 */
import { describe, expect, test } from "vitest";
import { type Implementation, type Pair, subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { iperf, ping } from "./support/traffic.ts";
import { sharedTunnel } from "./support/tunnel.ts";

const SWITCHES = ["--no-tun-offload", "--no-tun-tcp", "--no-tun-udp", "--no-udp-gso", "--no-udp-gro"] as const;

function withSwitches(...switches: readonly string[]): Implementation {
  return {
    ...wasmguardOnNode,
    name: `wasmguard ${switches.join(" ")}`,
    command: [...wasmguardOnNode.command, ...switches],
  };
}

const cases: Pair[] = [
  ...SWITCHES.map((name) => ({ name, near: withSwitches(name), far: wasmguardOnNode })),
  { name: "none of them at both ends", near: withSwitches(...SWITCHES), far: withSwitches(...SWITCHES) },
  { name: "none of them, to wireguard-go", near: withSwitches(...SWITCHES), far: wireguardGo },
];

describe.each(cases)("$name", (pair) => {
  const tunnelFor = sharedTunnel(pair);

  for (const protocol of ["tcp", "udp"] as const) {
    for (const direction of ["forward", "reverse"] as const) {
      test(`${protocol} ${direction}`, async (ctx) => {
        if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no such switches");
        const { near, far } = await tunnelFor(ctx);
        const result = await iperf(near.namespace, far.namespace, far.inside("ipv4"), { protocol, direction });
        expect(result.megabitsPerSecond).toBeGreaterThan(10);
        if (protocol === "udp") expect(result.lostPercent).toBeLessThan(5);
      });
    }
  }

  test("pings of both families", async (ctx) => {
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no such switches");
    const { near, far } = await tunnelFor(ctx);
    for (const family of ["ipv4", "ipv6"] as const) {
      expect(await ping(near.namespace, far.inside(family), { count: 5 })).toEqual({ sent: 5, received: 5 });
    }
  });
});
