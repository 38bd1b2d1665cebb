/**
 * A flood of handshake initiations with a right mac1, which anyone can make who knows the public key: sessions keep
 * their packets, and who wants a new one proves with a cookie where it is (WireGuard paper §5.3, §5.4.7).
 */
import { describe, expect, type TestContext, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { waitFor } from "./support/exec.ts";
import { Flood } from "./support/flood-process.ts";
import { type Pair, pairs, subject, wireguardGo } from "./support/implementations.ts";
import { type PingTimes, reaches, timedPing } from "./support/traffic.ts";
import { openTunnel, type Tunnel } from "./support/tunnel.ts";

const PER_SECOND = 20_000;
const PINGS = 250;
const INTERVAL_SECONDS = 0.02;
const MAC2_AT = 132;
/** A cookie takes two initiations, 5 s apart; the first may be lost in the flood. */
const COOKIE_HANDSHAKE_MS = 25_000;

/** A tunnel, and an attacker on a link of its own to the far end. */
async function open(ctx: TestContext, pair: Pair): Promise<{ tunnel: Tunnel; flood: (ms: number) => Flood }> {
  const tunnel = await openTunnel(ctx, pair);
  const attacker = await tunnel.topology.namespace("attacker");
  await tunnel.topology.connect(
    { namespace: attacker, addresses: ["192.0.2.1/24"] },
    { namespace: tunnel.far.namespace, addresses: ["192.0.2.2/24"] },
  );
  const target = { address: "192.0.2.2", port: tunnel.far.port, publicKey: tunnel.far.keys.publicKey };
  return { tunnel, flood: (milliseconds) => new Flood(attacker, target, PER_SECOND, milliseconds) };
}

describe.each(pairs)("$name", (pair) => {
  test("under a flood, a handshake succeeds by way of a cookie", async (ctx) => {
    const { tunnel, flood } = await open(ctx, pair);
    const { near, far } = tunnel;
    await using capture = await Capture.start(tunnel.topology, near.namespace, tunnel.link);
    await using attack = flood(COOKIE_HANDSHAKE_MS + 5000);
    expect(await attack.started()).toBe(true);
    expect(await reaches(near.namespace, far.inside("ipv4"), COOKIE_HANDSHAKE_MS)).toBe(true);
    expect(capture.messages("cookie").length).toBeGreaterThan(0);
    const proven = () =>
      capture.messages("initiation").filter(({ payload }) => payload.subarray(MAC2_AT).some(Boolean));
    expect(await waitFor(() => proven().length > 0, 15_000)).toBe(true);
  });
});

const victims = subject === wireguardGo ? [wireguardGo] : [subject, wireguardGo];

describe.each(victims)("$name, flooded", (victim) => {
  test("keeps the traffic of a session in use", async (ctx) => {
    const { tunnel, flood } = await open(ctx, { name: victim.name, near: subject, far: victim });
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const before = await timedPing(near.namespace, far.inside("ipv4"), PINGS, INTERVAL_SECONDS);
    await using attack = flood(PINGS * INTERVAL_SECONDS * 1000 + 3000);
    expect(await attack.started()).toBe(true);
    const during = await timedPing(near.namespace, far.inside("ipv4"), PINGS, INTERVAL_SECONDS);
    const initiations = await attack.sent();
    console.log(
      [victim.name, figures("  before", before), figures(`  during ${initiations} initiations`, during)].join("\n"),
    );
    expect(before.received).toBe(PINGS);
    // How wireguard-go fares is for comparison.
    if (victim === subject) expect(during.received / PINGS).toBeGreaterThan(0.95);
  });
});

function figures(label: string, times: PingTimes): string {
  const loss = (100 * (1 - times.received / times.sent)).toFixed(1);
  return `${label}: ${loss} % lost, median ${times.median} ms, 99 % within ${times.worstOfHundred} ms`;
}
