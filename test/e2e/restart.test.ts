/**
 * One end crashes and comes back, with nothing but its configuration, while both ends have traffic.
 */
import { describe, expect, test } from "vitest";
import { pairs } from "./support/implementations.ts";
import { PingStream, reaches } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

/** The restarted end starts a handshake with its first packet; the 5 s between two of them may have to pass. */
const RECOVERY_MS = 8000;

describe.each(pairs)("$name", (pair) => {
  test.for(["near", "far"] as const)("traffic resumes after the %s end was restarted", async (label, ctx) => {
    const tunnel = await openTunnel(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const restarted = tunnel[label];
    const other = tunnel.other(restarted);
    await using steady = new PingStream(other.namespace, restarted.inside("ipv4"));
    expect(await steady.more(10, 15_000)).toBe(true);

    await restarted.daemon.crash();
    await tunnel.startEnd(restarted);
    await using fresh = new PingStream(restarted.namespace, other.inside("ipv4"));
    expect(await fresh.more(10, RECOVERY_MS)).toBe(true);
    expect(await steady.more(10, RECOVERY_MS)).toBe(true);
  });
});
