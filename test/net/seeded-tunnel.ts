/**
 * Stacks behind engines, and a bad network between those, as a seed chose it: every byte of every connection arrives once and in order, or
 * the connection says why not; and stacks and cores hold nothing afterwards.
 */
import { IpAddress } from "../../host/net/address.ts";
import type { Cores } from "../simulation/cores.ts";
import { Random } from "../simulation/random.ts";
import { VirtualClock } from "./clock.ts";
import { Gateway } from "./gateway.ts";
import type { LinkConditions } from "./link.ts";
import { OuterNetwork } from "./outer-network.ts";
import { type EndReport, exchange, PORT } from "./pair.ts";

export const GATEWAYS_MAX = 3;
const KEEP_ALIVE = { idleMs: 60_000, intervalMs: 10_000, probes: 9 };
const HOURS = 3_600_000;
/** Datagrams of that size pass everywhere: a packet of IPv6's smallest path, sealed. */
const OUTER_MTU_LEAST = 1328;

export interface TunnelOutcome {
  readonly connections: number;
  readonly failed: number;
  /** What is wrong with it, empty if nothing is. */
  readonly faults: readonly string[];
}

function conditions(random: Random): Partial<LinkConditions> {
  const bad = (most: number) => (random.chance(0.5) ? 0 : random.between(0, most));
  return {
    megabitsPerSecond: random.pick([1, 10, 100, 1000]),
    delayMs: random.pick([0, 1, 10, 50, 200]),
    queueBytes: random.pick([10_000, 60_000, 500_000]),
    loss: bad(0.08),
    reordering: bad(0.2),
    lateMs: random.between(0, 50),
    duplication: bad(0.05),
    corruption: bad(0.02),
    mtu: random.pick([65_535, 65_535, 65_535, 1400, OUTER_MTU_LEAST]),
  };
}

interface Exchange {
  readonly near: EndReport;
  readonly sizeThere: number;
  readonly sizeBack: number;
  far: EndReport | undefined;
}

export function tunnelWith(seed: number, cores: Cores): TunnelOutcome {
  const random = new Random(seed);
  const clock = new VirtualClock();
  clock.runUntil(5000);
  const network = new OuterNetwork(clock, random);
  const gateways = Array.from({ length: random.pick([2, 2, GATEWAYS_MAX]) }, (_, i) => {
    const gateway = new Gateway(clock, random, cores, {
      address4: `10.0.0.${i + 1}`,
      address6: `fd00::${i + 1}`,
      endpoint: network.freshEndpoint(),
      mtu: random.pick([1280, 1420]),
      send: (from, to, datagram) => network.send(from, to, datagram),
    });
    network.attach(gateway, conditions(random));
    return gateway;
  });
  // Who roams is found again by what it sends.
  const roamer = random.chance(0.3) ? random.pick(gateways) : undefined;
  for (const gateway of gateways) {
    for (const other of gateways) {
      if (other !== gateway) gateway.addPeer(other, gateway === roamer ? 5 : 0, "endpoint");
    }
    gateway.start();
  }
  const faults: string[] = [];
  const exchanges = connections(random, gateways, faults);
  disturb(random, clock, network, gateways, roamer);
  const over = ({ near, far }: Exchange) => near.closed && (far === undefined || far.closed);
  clock.runWhile(() => !exchanges.every(over), clock.now + HOURS);
  const failed = exchanges.filter((each) => judge(each, faults)).length;
  for (const gateway of gateways) gateway.congested(false);
  clock.runUntil(clock.now + HOURS / 2);
  gateways.forEach(({ stack }, i) => {
    if (stack.tcp.table.size !== 0) faults.push(`${i}: ${stack.tcp.table.size} entries are left`);
    if (stack.budget.taken !== 0) faults.push(`${i}: ${stack.budget.taken} bytes are left`);
    if (stack.timers.next !== Number.POSITIVE_INFINITY) faults.push(`${i}: a timer is left`);
  });
  for (const gateway of gateways) gateway.close();
  return { connections: exchanges.length, failed, faults };
}

/** Some connections between any two, each with sizes of its own. */
function connections(random: Random, gateways: readonly Gateway[], faults: string[]): Exchange[] {
  const count = random.pick([1, 1, 2, 4]);
  return Array.from({ length: count }, (_, i) => {
    const from = random.pick(gateways);
    const to = random.pick(gateways.filter((each) => each !== from));
    const family = random.pick([4, 6] as const);
    const piece = random.pick([100, 1460, 65_536]);
    const size = () => Math.min(random.pick([0, 1, 1000, 20_000, 60_000]), piece * 1000);
    const [sizeThere, sizeBack] = [size(), size()];
    const server = to.stack.tcp.listen({
      port: PORT + i,
      keepAlive: KEEP_ALIVE,
      acceptable: () => {
        if (typeof server === "string") return;
        for (let c = server.accept(); c !== undefined; c = server.accept()) {
          if (report.far !== undefined) faults.push("a second connection came out of one");
          report.far = exchange(c, sizeBack, { salt: 1, piece });
        }
      },
    });
    const remote = IpAddress.parse(to.addresses[family])!;
    const stream = from.stack.tcp.connect({ remote, remotePort: PORT + i, keepAlive: KEEP_ALIVE });
    if (typeof stream === "string") throw new Error(stream);
    const near = exchange(stream, sizeThere, { salt: 0, piece });
    const report: Exchange = { near, sizeThere, sizeBack, far: undefined };
    return report;
  });
}

function disturb(
  random: Random,
  clock: VirtualClock,
  network: OuterNetwork,
  gateways: readonly Gateway[],
  roamer: Gateway | undefined,
): void {
  if (roamer !== undefined) {
    const to = conditions(random);
    clock.after(random.between(0, 2000), () => network.roam(roamer, random.between(10, 3000), to));
  }
  if (random.chance(0.3)) {
    const gateway = random.pick(gateways);
    clock.after(random.between(0, 2000), () => network.change(gateway, { mtu: OUTER_MTU_LEAST }));
  }
  if (random.chance(0.3)) {
    const gateway = random.pick(gateways);
    for (let at = 0; at < 1000; at += 100) {
      clock.after(at, () => gateway.congested(true));
      clock.after(at + random.between(1, 99), () => gateway.congested(false));
    }
  }
}

/** @returns whether the connection failed, and said so */
function judge({ near, far, sizeThere, sizeBack }: Exchange, faults: string[]): boolean {
  if (!near.closed) faults.push("a connection never came to an end");
  if (far !== undefined && !far.closed) faults.push("a far end never came to an end");
  const failed = near.failure !== undefined || far?.failure !== undefined;
  if (failed) return true;
  if (far?.reader.read !== sizeThere) faults.push(`${far?.reader.read} of ${sizeThere} bytes arrived`);
  if (near.reader.read !== sizeBack) faults.push(`${near.reader.read} of ${sizeBack} bytes came back`);
  return false;
}
