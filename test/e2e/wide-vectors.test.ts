/** The daemon with `--wide-vectors`: the same tunnel, with 256-bit vectors where they can be had, and without elsewhere. */
import { describe, expect, test } from "vitest";
import { cpuFlags } from "../../host/os/linux/cpu-flags.ts";
import { findRuntime } from "../support/runtimes.ts";
import { type Implementation, wasmguard, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { iperf, ping } from "./support/traffic.ts";
import { openTunnel, type Tunnel } from "./support/tunnel.ts";

function wide(program: Implementation, ...more: readonly string[]): Implementation {
  const options = ["--wide-vectors", ...more];
  return { ...program, name: `${program.name} ${options.join(" ")}`, command: [...program.command, ...options] };
}

async function vectorBits({ near }: Tunnel): Promise<{ packets: number; handshakes: number }> {
  const text = await near.namespace.run([...wasmguardOnNode.command, "show", near.interface, "--stats"]);
  const figure = (name: string) => Number(new RegExp(`^\\s*${name} +(\\d+)`, "m").exec(text)?.[1]);
  return { packets: figure("vector_bits"), handshakes: figure("handshake_vector_bits") };
}

/** Pings of many sizes, and TCP and UDP both ways. */
async function carriesTraffic({ near, far }: Tunnel): Promise<void> {
  for (const size of [0, 130, 160, 400, 420, 900, 1372]) {
    const result = await ping(near.namespace, far.inside("ipv4"), { count: 2, size });
    expect(result.received, `${size} bytes`).toBe(2);
  }
  for (const protocol of ["tcp", "udp"] as const) {
    for (const direction of ["forward", "reverse"] as const) {
      const options = { protocol, direction, streams: 2, megabits: 40 };
      const result = await iperf(near.namespace, far.namespace, far.inside("ipv6"), options);
      expect(result.megabitsPerSecond, `${protocol} ${direction}`).toBeGreaterThan(1);
    }
  }
}

const flags = cpuFlags();
const packets = flags.has("avx2") ? 256 : 128;
const handshakes = flags.has("avx2") && flags.has("fma") ? 256 : 128;

describe.each([1, 2])("on Node 26, %i threads", (threads) => {
  const near = wide(wasmguardOnNode, "--threads", `${threads}`);
  test.for([wireguardGo, wide(wasmguardOnNode)])("to $name", async (far, ctx) => {
    const tunnel = await openTunnel(ctx, { name: near.name, near, far });
    expect(await vectorBits(tunnel)).toEqual({ packets, handshakes });
    await carriesTraffic(tunnel);
  });
});

test.for(["node22", "bun"] as const)("on %s, which has none, nothing else changes", async (name, ctx) => {
  const runtime = findRuntime(name);
  if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
  const near = wide(wasmguard(name, [runtime.path]));
  const tunnel = await openTunnel(ctx, { name, near, far: wireguardGo });
  expect(await vectorBits(tunnel)).toEqual({ packets: 128, handshakes: 128 });
  await carriesTraffic(tunnel);
});
