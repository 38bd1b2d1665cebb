/**
 * A machine sleeps, longer than the keys of its tunnel last (180 s), or are kept (540 s), and what is connected through the tunnel goes on
 * when it wakes: stacks and engines at both ends, on the virtual clock.
 */
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { IpAddress } from "../../host/net/address.ts";
import type { TcpStream } from "../../host/net/tcp/face.ts";
import { Cores } from "../simulation/cores.ts";
import { Random } from "../simulation/random.ts";
import { VirtualClock } from "./clock.ts";
import { Gateway } from "./gateway.ts";
import { OuterNetwork } from "./outer-network.ts";
import { exchange, PORT } from "./pair.ts";

let cores: Cores;
beforeAll(async () => {
  cores = await Cores.load(2);
});

function tunnel(keepaliveSeconds: number) {
  const random = new Random(1);
  const clock = new VirtualClock();
  clock.runUntil(5000);
  const outside = new OuterNetwork(clock, random);
  const gateways = [1, 2].map((number) => {
    const gateway = new Gateway(clock, random, cores, {
      address4: `10.0.0.${number}`,
      address6: `fd00::${number}`,
      endpoint: outside.freshEndpoint(),
      mtu: 1420,
      send: (from, to, datagram) => outside.send(from, to, datagram),
    });
    outside.attach(gateway, { megabitsPerSecond: 1, delayMs: 20 });
    onTestFinished(() => gateway.close());
    return gateway;
  });
  const [near, far] = gateways as [Gateway, Gateway];
  near.addPeer(far, keepaliveSeconds, "endpoint");
  // Whoever is behind an address translator: found again by what it sends.
  far.addPeer(near, 0, "nothing");
  for (const gateway of gateways) gateway.start();
  return { clock, outside, near, far };
}

/** @returns the two ends of a connection, made */
function connect(clock: VirtualClock, near: Gateway, far: Gateway): [TcpStream, TcpStream] {
  let accepted: TcpStream | undefined;
  const server = far.stack.tcp.listen({
    port: PORT,
    acceptable: () => {
      if (typeof server !== "string") accepted = server.accept();
    },
  });
  const remote = IpAddress.parse(far.addresses[6])!;
  const stream = near.stack.tcp.connect({ remote, remotePort: PORT });
  if (typeof stream === "string") throw new Error(stream);
  clock.runWhile(() => accepted === undefined || stream.state !== "ESTABLISHED", clock.now + 60_000);
  if (accepted === undefined) throw new Error("no connection");
  return [stream, accepted];
}

/** Eight seconds' worth on the link. */
const BYTES = 1_000_000;
/** Of sleep: with a session that lives, one that has expired, and one whose keys are wiped. */
const SLEEPS = [30, 200, 600];
const HOUR = 3_600_000;
/** As net.Socket has it. */
const KEEP_ALIVE = { idleMs: 60_000, intervalMs: 1000, probes: 10 };
const CLOCKS = ["stood still", "went on"] as const;

describe.each(CLOCKS)("after sleep in which the clock %s", (ownClock) => {
  describe.each(SLEEPS)("of %i s", (seconds) => {
    it.each([
      ["that is sent from here", BYTES, 0, 0],
      ["that is sent from here, kept alive", BYTES, 0, 25],
      ["that comes here", 0, BYTES, 0],
      ["both ways", BYTES, BYTES, 0],
    ])("a transfer %s goes on and is whole", (_, there, back, keepalive) => {
      const { clock, outside, near, far } = tunnel(keepalive);
      const [stream, accepted] = connect(clock, near, far);
      const [ours, theirs] = [exchange(stream, there), exchange(accepted, back, { salt: 1 })];
      clock.runUntil(clock.now + 3000);
      expect(ours.reader.read + theirs.reader.read).toBeGreaterThan(100_000);
      near.sleep();
      clock.runUntil(clock.now + seconds * 1000);
      expect(ours.closed || theirs.closed).toBe(false);
      near.awake(ownClock);
      const awake = clock.now;
      // It wakes somewhere else, and has no network for some seconds.
      outside.roam(near, 4000, {});
      clock.runWhile(() => !ours.closed || !theirs.closed, awake + HOUR);
      expect([ours.failure, theirs.failure]).toEqual([undefined, undefined]);
      expect([theirs.reader.read, ours.reader.read]).toEqual([there, back]);
      // Who receives waits for the other's next try, which TCP makes after two minutes at most.
      expect(clock.now - awake).toBeLessThan(back > 0 ? 160_000 : 60_000);
    });
  });

  it.each(["here", "there"])("of hours, a connection that was idle serves at once whoever speaks first %s", (where) => {
    const { clock, outside, near, far } = tunnel(0);
    const [stream, accepted] = connect(clock, near, far);
    stream.configure({ keepAlive: KEEP_ALIVE });
    clock.runUntil(clock.now + 50_000);
    near.sleep();
    clock.runUntil(clock.now + 8 * HOUR);
    near.awake(ownClock);
    const [here, there] = where === "here" ? [1000, 0] : [0, 1000];
    // The other end does not know where a machine is that has another address.
    if (where === "here") outside.roam(near, 4000, {});
    const awake = clock.now;
    const [ours, theirs] = [exchange(stream, here), exchange(accepted, there, { salt: 1 })];
    clock.runWhile(() => !ours.closed || !theirs.closed, awake + HOUR);
    expect([ours.failure, theirs.failure]).toEqual([undefined, undefined]);
    expect([theirs.reader.read, ours.reader.read]).toEqual([here, there]);
    // Both begin a handshake at the same moment then, and try again after five seconds.
    expect(clock.now - awake).toBeLessThan(20_000);
  });
});
