/**
 * Daemons with several threads: traffic both ways and in order, while the configuration changes under it; two peers of
 * one daemon; a clean end.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { Daemon } from "./support/daemon.ts";
import { killGroup, waitFor } from "./support/exec.ts";
import { type Implementation, subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { openThird } from "./support/third.ts";
import { iperf, PingStream, reaches } from "./support/traffic.ts";
import { type End, openDaemon, openTunnel, sharedTunnel, type Tunnel } from "./support/tunnel.ts";
import { makeKeyPair, makePresharedKey, showDump } from "./support/wireguard.ts";

function withThreads(threads: number): Implementation {
  return {
    ...subject,
    name: `${subject.name} with ${threads} threads`,
    command: [...subject.command, "--threads", `${threads}`],
    unavailable: () => (subject === wireguardGo ? "wireguard-go has no such flag" : subject.unavailable()),
  };
}

function between(program: Implementation) {
  return { name: program.name, near: program, far: program };
}

/** Send one flow of datagrams, as fast as 100 Mbit/s. @returns how many the receiver saw out of order */
async function outOfOrder({ near, far }: Tunnel, direction: "forward" | "reverse"): Promise<number> {
  const server = far.namespace.start(["iperf3", "-s", "-1", "-J", "-B", far.inside("ipv4")]);
  let report = "";
  server.stdout?.setEncoding("utf8").on("data", (text: string) => {
    report += text;
  });
  await waitFor(async () => (await far.namespace.run(["ss", "-Htln", "sport = :5201"])).trim() !== "", 15_000);
  const argv = ["iperf3", "-J", "-c", far.inside("ipv4"), "-u", "-b", "100M", "-l", "1200", "-t", "2"];
  if (direction === "reverse") argv.push("-R");
  const { stdout } = await near.namespace.attempt(argv, { timeoutMs: 15_000 });
  await waitFor(() => server.exitCode !== null, 15_000);
  const { udp } = JSON.parse(direction === "reverse" ? stdout : report).end.streams[0];
  expect(udp.packets).toBeGreaterThan(1000);
  return udp.out_of_order;
}

const FLOW = fileURLToPath(new URL("./support/flow.ts", import.meta.url));
const FLOW_PORT = 5301;
/** More for a long run: WASMGUARD_FLOW_DATAGRAMS=10000000. Half a minute carries so many; as long again is allowed for each. */
const FLOW_DATAGRAMS = Number(process.env.WASMGUARD_FLOW_DATAGRAMS ?? 200_000);
const FLOW_MS = 30_000 * Math.ceil(FLOW_DATAGRAMS / 200_000);

const FLOWS_MAX = 5;

/** One flow in trains, as fast as it goes, until so many have come. @returns how many came, and after a later one */
async function flow({ near, far }: Tunnel): Promise<{ received: number; late: number }> {
  const env = { NODE_OPTIONS: undefined };
  const program = [process.execPath, FLOW];
  const options = { env, timeoutMs: FLOW_MS + 15_000 };
  const received = far.namespace.attempt(
    [...program, "receive", `${FLOW_PORT}`, `${FLOW_DATAGRAMS}`, `${FLOW_MS}`],
    options,
  );
  const sender = near.namespace.start([...program, "send", far.inside("ipv4"), `${FLOW_PORT}`], { env });
  onTestFinished(() => killGroup(sender));
  const { code, stdout, stderr } = await received;
  killGroup(sender);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Messages that a daemon's threads sealed or opened for each other. */
async function helpedMessages({ namespace, interface: name }: End): Promise<number> {
  const text = await namespace.run([...wasmguardOnNode.command, "show", name, "--stats"]);
  return Number(/helped_messages_total +(\d+)/.exec(text)?.[1]);
}

describe.each([2, 4])("%i threads", (threads) => {
  const program = withThreads(threads);
  const shared = sharedTunnel(between(program));

  test("TCP in several streams and UDP, both ways, over both inner families", async (ctx) => {
    const { near, far } = await shared(ctx);
    for (const protocol of ["tcp", "udp"] as const) {
      for (const direction of ["forward", "reverse"] as const) {
        const inside = far.inside(direction === "forward" ? "ipv4" : "ipv6");
        const result = await iperf(near.namespace, far.namespace, inside, {
          protocol,
          direction,
          streams: 4,
          megabits: 5,
        });
        expect(result.megabitsPerSecond, `${protocol} ${direction}`).toBeGreaterThan(10);
      }
    }
  });

  test("the datagrams of a flow stay in order", async (ctx) => {
    const tunnel = await shared(ctx);
    expect(await outOfOrder(tunnel, "forward")).toBe(0);
    expect(await outOfOrder(tunnel, "reverse")).toBe(0);
  });

  test("a flow in trains stays in order while threads help each other", {
    timeout: FLOWS_MAX * (FLOW_MS + 20_000),
  }, async (ctx) => {
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no such threads");
    const tunnel = await shared(ctx);
    let [sealed, opened] = [0, 0];
    // On a machine with little to spare threads help less, but not never.
    for (let flows = 0; flows < FLOWS_MAX && opened + sealed === 0; flows++) {
      const { received, late } = await flow(tunnel);
      [sealed, opened] = [await helpedMessages(tunnel.near), await helpedMessages(tunnel.far)];
      console.log(`${received} datagrams, ${late} late; others sealed ${sealed} and opened ${opened}`);
      expect(late).toBe(0);
      expect(received).toBeGreaterThanOrEqual(FLOW_DATAGRAMS);
    }
    expect(opened + sealed).toBeGreaterThan(0);
  });

  test("a rekey under traffic loses no packet", async (ctx) => {
    const pair = { ...between(program), near: program.rekeyingAfter!(1_000) };
    const { near, far } = await openTunnel(ctx, pair);
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const handshake = async () => (await showDump(near.interface)).peers[0]!.latestHandshake;
    const first = await handshake();
    await using stream = new PingStream(near.namespace, far.inside("ipv4"), 0.01);
    expect(await waitFor(async () => (await handshake()) > first, 10_000, 200)).toBe(true);
    expect(await stream.more(50, 15_000)).toBe(true);
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThanOrEqual(1);
  });

  test("changes of everything, again and again under traffic, end in a tunnel that works", async (ctx) => {
    const tunnel = await openTunnel(ctx, between(program));
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const options = { protocol: "tcp", seconds: 6, streams: 4 } as const;
    const traffic = iperf(near.namespace, far.namespace, far.inside("ipv4"), options).catch(() => undefined);
    const other = makeKeyPair();
    const secret = tunnel.topology.file("other.key", other.privateKey);
    const psk = tunnel.topology.file("other.psk", makePresharedKey());
    const peer = far.keys.publicKey;
    const end = performance.now() + 6_000;
    for (let round = 0; performance.now() < end; round++) {
      for (let i = 0; i < 20; i++) {
        const prefix = ["allowed-ips", `10.${round % 200}.${i}.0/24`];
        await near.daemon.wg("set", near.interface, "peer", makeKeyPair().publicKey, "preshared-key", psk, ...prefix);
      }
      await near.daemon.wg("set", near.interface, "private-key", secret);
      await near.daemon.wg("set", near.interface, "listen-port", `${52_000 + round}`);
      await near.daemon.wg("set", near.interface, "peer", peer, "remove");
      await tunnel.configure(near, tunnel.config(near));
      await near.daemon.wg("show", near.interface);
    }
    await traffic;
    expect(near.daemon.alive() && far.daemon.alive()).toBe(true);
    expect(await reaches(near.namespace, far.inside("ipv4"), 10_000)).toBe(true);
    const result = await iperf(near.namespace, far.namespace, far.inside("ipv4"), { protocol: "tcp" });
    expect(result.megabitsPerSecond).toBeGreaterThan(10);
  });

  test("the interface goes down and up, and the daemon ends cleanly", async (ctx) => {
    const { near, far } = await openTunnel(ctx, between(program));
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    await near.namespace.ip("link", "set", near.interface, "down");
    await near.namespace.ip("link", "set", near.interface, "up");
    expect(await reaches(near.namespace, far.inside("ipv4"), 10_000)).toBe(true);
    near.daemon.signal("SIGTERM");
    expect(await near.daemon.ends(15_000)).toBe(true);
    expect(await near.daemon.interfaceIsGone()).toBe(true);
    await far.namespace.ip("link", "del", far.interface);
    expect(await far.daemon.ends(15_000)).toBe(true);
  });
});

test("with one core nobody helps", { timeout: FLOW_MS + 60_000 }, async (ctx) => {
  const { command, ...program } = withThreads(2);
  const pinned = { ...program, command: ["taskset", "-c", "0", ...command] };
  const tunnel = await openTunnel(ctx, between(pinned));
  const { received, late } = await flow(tunnel);
  expect([received >= FLOW_DATAGRAMS, late]).toEqual([true, 0]);
  expect([await helpedMessages(tunnel.near), await helpedMessages(tunnel.far)]).toEqual([0, 0]);
});

test("two peers of one daemon with threads are served at the same time", async (ctx) => {
  const program = withThreads(4);
  const tunnel = await openTunnel(ctx, { name: "", near: program, far: subject });
  const { near, far } = tunnel;
  const third = await openThird(tunnel);
  const config = tunnel.config(near);
  await tunnel.configure(near, {
    ...config,
    peers: [...config.peers, { publicKey: third.publicKey, allowedIps: ["203.0.113.3/32"] }],
  });
  expect(await reaches(third.namespace, near.inside("ipv4"), 15_000)).toBe(true);
  expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
  const server = near.namespace.start(["iperf3", "-s", "-p", "5301"]);
  const listening = async () => (await near.namespace.run(["ss", "-Htln", "sport = :5301"])).trim() !== "";
  expect(await waitFor(listening, 15_000)).toBe(true);
  const client = ["iperf3", "-J", "-c", near.inside("ipv4"), "-p", "5301", "-t", "2"];
  const [one, two] = await Promise.all([
    third.namespace.attempt(client, { timeoutMs: 30_000 }),
    iperf(near.namespace, far.namespace, far.inside("ipv4"), { protocol: "tcp", seconds: 2 }),
  ]);
  server.kill("SIGKILL");
  expect(one.code, one.stdout + one.stderr).toBe(0);
  expect(JSON.parse(one.stdout).end.sum_received.bytes).toBeGreaterThan(1e6);
  expect(two.megabitsPerSecond).toBeGreaterThan(10);
});

test("a daemon on a device without queues works with one thread", async (ctx) => {
  const { topology, namespace } = await openDaemon(ctx, subject);
  const name = topology.interfaceName();
  await namespace.run(["ip", "tuntap", "add", "name", name, "mode", "tun", "vnet_hdr"]);
  const daemon = await Daemon.start(topology, namespace, withThreads(2), name);
  expect(daemon.log()).toContain("working with one thread");
  await daemon.wg("show", name);
});
