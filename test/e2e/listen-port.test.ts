/**
 * The port that the tunnel listens on: taken by somebody else, set again, or not yet served while the interface is down.
 */
import type { ChildProcess } from "node:child_process";
import { describe, expect, type TestContext, test } from "vitest";
import { killGroup, waitFor } from "./support/exec.ts";
import { type Implementation, type Pair, subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { ping, reaches } from "./support/traffic.ts";
import { type End, openTunnel, type Tunnel } from "./support/tunnel.ts";
import { showDump } from "./support/wireguard.ts";

const TAKEN = 5353;
const TAKER = `
const socket = require("node:dgram").createSocket(process.argv[2]);
socket.bind({ port: Number(process.argv[1]), exclusive: true });
`;

function withThreads(threads: number): Implementation {
  return { ...subject, name: `${threads} threads`, command: [...subject.command, "--threads", `${threads}`] };
}

function between(program: Implementation): Pair {
  return { name: program.name, near: program, far: program };
}

async function open(ctx: TestContext, pair: Pair): Promise<Tunnel> {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go closes its sockets before it opens others");
  return openTunnel(ctx, pair);
}

/** Sockets on a port: their line in `ss`, with inode and receive queue. */
async function socketsOn(namespace: Namespace, port: number): Promise<string[]> {
  const lines = (await namespace.run(["ss", "-Hnuae", `sport = :${port}`])).trimEnd().split("\n");
  return lines.map((line) => /ino:\d+/.exec(line)?.[0] ?? "none").sort();
}

/** Another program takes a port. */
async function take(namespace: Namespace, port: number, type: "udp4" | "udp6" = "udp4"): Promise<ChildProcess> {
  const child = namespace.start([process.execPath, "-e", TAKER, `${port}`, type]);
  const bound = async () => !(await socketsOn(namespace, port)).includes("none");
  expect(await waitFor(bound, 15_000)).toBe(true);
  return child;
}

function setPort({ interface: name, namespace }: End, port: number) {
  return namespace.attempt(["wg", "set", name, "listen-port", `${port}`]);
}

async function shownPort({ daemon, interface: name }: End): Promise<number> {
  return Number(await daemon.wg("show", name, "listen-port"));
}

describe.each([between(subject), between(withThreads(2))])("$name", (pair) => {
  test.for(["udp4", "udp6"] as const)(
    "a port that is taken (%s) is refused, and the tunnel goes on",
    async (type, ctx) => {
      const { near, far } = await open(ctx, pair);
      expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
      const before = await socketsOn(near.namespace, near.port);
      const taker = await take(near.namespace, TAKEN, type);
      const { code, stderr } = await setPort(near, TAKEN);
      expect(code).toBe(1);
      expect(stderr).toContain("Address already in use");
      expect(near.daemon.log()).toContain(`UDP port ${TAKEN} is in use`);
      expect(await shownPort(near)).toBe(near.port);
      expect(await socketsOn(near.namespace, near.port)).toEqual(before);
      expect((await ping(near.namespace, far.inside("ipv4"), { count: 3 })).received).toBe(3);
      killGroup(taker);
      expect(await waitFor(async () => (await setPort(near, TAKEN)).code === 0, 15_000)).toBe(true);
      expect((await ping(near.namespace, far.inside("ipv4"), { count: 3 })).received).toBe(3);
      expect(await socketsOn(near.namespace, near.port)).toEqual(["none"]);
    },
  );

  test("the same port again leaves the sockets alone, with what waits in them", async (ctx) => {
    const tunnel = await open(ctx, pair);
    const { near, far } = tunnel;
    expect(await reaches(near.namespace, far.inside("ipv4"), 15_000)).toBe(true);
    const before = await socketsOn(near.namespace, near.port);
    expect(before).not.toContain("none");
    for (let i = 0; i < 3; i++) await tunnel.configure(near, tunnel.config(near));
    await near.daemon.wg("set", near.interface, "listen-port", `${near.port}`);
    expect(await socketsOn(near.namespace, near.port)).toEqual(before);
    expect((await ping(near.namespace, far.inside("ipv4"), { count: 3 })).received).toBe(3);
  });

  test("a port that is taken when the interface comes up is not shown, and opened once it is free", async (ctx) => {
    const { near, far } = await open(ctx, pair);
    await near.namespace.ip("link", "set", near.interface, "down");
    expect(await waitFor(async () => (await socketsOn(near.namespace, near.port)).includes("none"), 15_000)).toBe(true);
    const taker = await take(near.namespace, near.port);
    expect((await setPort(near, near.port)).stderr).toContain("Address already in use");
    await near.namespace.ip("link", "set", near.interface, "up");
    expect(await waitFor(async () => (await shownPort(near)) === 0, 15_000)).toBe(true);
    expect(near.daemon.log()).toContain("trying again");
    killGroup(taker);
    expect(await waitFor(async () => (await shownPort(near)) === near.port, 15_000)).toBe(true);
    expect(await reaches(far.namespace, near.inside("ipv4"), 10_000)).toBe(true);
  });

  test("an initiation that comes before the interface is up is answered when it is: nobody waits 5 s", async (ctx) => {
    const tunnel = await open(ctx, pair);
    const { near, far } = tunnel;
    await far.namespace.ip("link", "del", far.interface);
    expect(await far.daemon.ends(15_000)).toBe(true);
    await tunnel.startEnd(far, "down");
    // It would start a handshake itself: one that crossed the other would be of no use to either.
    await far.daemon.wg("set", far.interface, "peer", near.keys.publicKey, "persistent-keepalive", "25");
    const [answer] = await Promise.all([
      ping(near.namespace, far.inside("ipv4"), { waitSeconds: 4 }),
      waitFor(async () => (await showDump(near.interface)).peers[0]!.sentBytes > 0, 15_000).then(() =>
        far.namespace.ip("link", "set", far.interface, "up"),
      ),
    ]);
    expect(answer.received).toBe(1);
  });
});
