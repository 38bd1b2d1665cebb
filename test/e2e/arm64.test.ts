/**
 * The daemon on arm64, under qemu. qemu refuses seccomp and Landlock, and cannot start a program of its own processor again: so
 * it runs past the sandbox, and stays root.
 */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { arm64Node } from "../support/arm64.ts";
import { type Implementation, wasmguard, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { iperf, ping } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

/** As a command that returns once the socket is there. */
const IN_BACKGROUND = `for name; do :; done
WASMGUARD_DAEMON=foreground "$@" & until [ -S "/run/wireguard/$name.sock" ]; do sleep 0.05; done`;

test("a tunnel to wireguard-go carries pings and TCP both ways, and ends on SIGTERM", async (ctx) => {
  const node = arm64Node();
  if (node.command === undefined) cannotRun(ctx, node.reason);
  const emulated = wasmguard("wasmguard on arm64", node.command);
  const command = ["sh", "-c", IN_BACKGROUND, "sh", ...emulated.command, "-f", "--no-confine"];
  const near: Implementation = { ...emulated, command };
  const tunnel = await openTunnel(ctx, { name: near.name, near, far: wireguardGo });
  for (const family of ["ipv4", "ipv6"] as const) {
    const inside = tunnel.far.inside(family);
    expect((await ping(tunnel.near.namespace, inside, { count: 5 })).received).toBe(5);
    expect((await ping(tunnel.far.namespace, tunnel.near.inside(family), { count: 5 })).received).toBe(5);
  }
  for (const direction of ["forward", "reverse"] as const) {
    const options = { protocol: "tcp", direction, seconds: 2 } as const;
    const inside = tunnel.far.inside("ipv4");
    const result = await iperf(tunnel.near.namespace, tunnel.far.namespace, inside, options);
    expect(result.megabitsPerSecond).toBeGreaterThan(2);
  }
  const { daemon } = tunnel.near;
  daemon.signal("SIGTERM");
  expect(await daemon.ends(15_000)).toBe(true);
  expect(existsSync(daemon.socket)).toBe(false);
});
