/**
 * The daemon in the other runtimes that can call libc, with wireguard-go at the far end.
 */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findRuntime, type RuntimeName } from "../support/runtimes.ts";
import { type Pair, wasmguard, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { iperf, ping } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

/** Node 22 has no FFI of its own and calls libc through koffi. */
const runtimes: { name: RuntimeName; args: readonly string[] }[] = [
  { name: "node22", args: [] },
  { name: "deno", args: ["run", "--quiet", "--allow-all"] },
  { name: "bun", args: [] },
  { name: "bun-musl", args: [] },
];

describe.each(runtimes)("wasmguard on $name", ({ name, args }) => {
  test("carries pings and TCP both ways, and ends on SIGTERM", async (ctx) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
    const near = wasmguard(`wasmguard on ${name}`, [runtime.path, ...args]);
    const pair: Pair = { name: near.name, near, far: wireguardGo };
    const tunnel = await openTunnel(ctx, pair);
    for (const family of ["ipv4", "ipv6"] as const) {
      const inside = tunnel.far.inside(family);
      expect((await ping(tunnel.near.namespace, inside, { count: 5 })).received).toBe(5);
      expect((await ping(tunnel.far.namespace, tunnel.near.inside(family), { count: 5 })).received).toBe(5);
      for (const direction of ["forward", "reverse"] as const) {
        const options = { protocol: "tcp", direction } as const;
        const result = await iperf(tunnel.near.namespace, tunnel.far.namespace, inside, options);
        expect(result.megabitsPerSecond).toBeGreaterThan(20);
      }
    }
    const { daemon } = tunnel.near;
    daemon.signal("SIGTERM");
    expect(await daemon.ends(15_000)).toBe(true);
    expect(existsSync(daemon.socket)).toBe(false);
  });
});
