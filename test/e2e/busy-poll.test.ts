/**
 * Daemons that look for the next packet before they sleep, always or when one is due: the traffic is the same, the signal that
 * ends them is heard, and without packets they sleep like any other.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Daemon } from "./support/daemon.ts";
import { type Implementation, subject, wireguardGo } from "./support/implementations.ts";
import { iperf, ping } from "./support/traffic.ts";
import { sharedTunnel } from "./support/tunnel.ts";

const TICKS_PER_SECOND = 100;
const IDLE_SECONDS = 2;

function busyPolling(...more: string[]): Implementation {
  return {
    ...subject,
    name: [subject.name, "--busy-poll 2000", ...more].join(" "),
    command: [...subject.command, "--busy-poll", "2000", ...more],
    unavailable: () => (subject === wireguardGo ? "wireguard-go has no such flag" : subject.unavailable()),
  };
}

/** Seconds of CPU that all threads of a daemon have used. */
function cpuSeconds(daemon: Daemon): number {
  const [pid] = daemon.pids();
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

describe.each([[subject], [busyPolling()], [busyPolling("--threads", "2")]])("$name", (program) => {
  const shared = sharedTunnel({ name: program.name, near: program, far: program });

  test("carries single packets and many", async (ctx) => {
    const { near, far } = await shared(ctx);
    const { received } = await ping(near.namespace, far.inside("ipv4"), { count: 300, intervalSeconds: 0.001 });
    expect(received).toBe(300);
    const options = { protocol: "tcp", direction: "forward", streams: 2, megabits: 20 } as const;
    const { megabitsPerSecond } = await iperf(near.namespace, far.namespace, far.inside("ipv4"), options);
    expect(megabitsPerSecond).toBeGreaterThan(10);
  });

  test("sleeps when no packets come", async (ctx) => {
    const { near } = await shared(ctx);
    const before = cpuSeconds(near.daemon);
    await sleep(IDLE_SECONDS * 1000);
    expect(cpuSeconds(near.daemon) - before).toBeLessThan(IDLE_SECONDS / 4);
  });

  test("ends when it is told to, also in the midst of packets", async (ctx) => {
    const { near, far } = await shared(ctx);
    const pings = ping(far.namespace, near.inside("ipv4"), { count: 100, intervalSeconds: 0.005 });
    await sleep(100);
    near.daemon.signal("SIGTERM");
    expect(await near.daemon.ends(15_000)).toBe(true);
    await pings;
    const told = near.daemon.log().split("\n");
    expect(told.filter((line) => line !== "" && !line.includes("running as nobody"))).toEqual([]);
  });
});
