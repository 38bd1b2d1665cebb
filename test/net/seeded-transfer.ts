/** One connection under conditions that a seed chose: every byte arrives once and in order, or the connection says why not. */
import { Random } from "../simulation/random.ts";
import type { LinkConditions } from "./link.ts";
import { exchange, Pair } from "./pair.ts";

/** Whoever is left alone by a peer that gave up has to find out. */
const KEEP_ALIVE = { idleMs: 60_000, intervalMs: 10_000, probes: 9 };
/** Longer than the patience of any timer but the one for retransmissions in vain. */
const HOURS = 3_600_000;

export interface Outcome {
  readonly failed: boolean;
  /** What is wrong with it, empty if nothing is. */
  readonly faults: readonly string[];
}

function conditions(random: Random): Partial<LinkConditions> {
  const bad = (most: number) => (random.chance(0.5) ? 0 : random.between(0, most));
  return {
    megabitsPerSecond: random.pick([0.5, 2, 10, 100, 1000]),
    delayMs: random.pick([0, 1, 5, 20, 100, 300]),
    queueBytes: random.pick([6_000, 30_000, 200_000, 2_000_000]),
    loss: bad(0.1),
    reordering: bad(0.2),
    lateMs: random.between(0, 60),
    duplication: bad(0.05),
    corruption: bad(0.02),
    mtu: random.pick([65_535, 65_535, 1400, 1280]),
    tooBig: random.pick(["told", "told", "black hole"] as const),
  };
}

export function transferWith(seed: number): Outcome {
  const random = new Random(seed);
  const pair = new Pair({
    seed,
    mtu: random.pick([1280, 1420, 1500, 9000]),
    there: conditions(random),
    back: conditions(random),
  });
  const family = random.pick([4, 6] as const);
  const piece = random.pick([1, 100, 1460, 5000, 65_536, 300_000]);
  const size = () => Math.min(random.pick([0, 1, 1000, 20_000, 80_000]), piece * 3000);
  const faults: string[] = [];
  if (random.chance(0.2)) {
    const at = random.between(0, 3000);
    pair.clock.at(at, () => pair.there.roam(random.between(10, 5000), conditions(random)));
  }
  const [sizeThere, sizeBack] = [size(), size()];
  let back: ReturnType<typeof exchange> | undefined;
  const server = pair.listen({
    keepAlive: KEEP_ALIVE,
    acceptable: () => {
      for (let c = server.accept(); c !== undefined; c = server.accept()) {
        if (back !== undefined) faults.push("a second connection came out of one");
        back = exchange(c, sizeBack, { salt: 1, piece });
      }
    },
  });
  const there = exchange(pair.connect({ keepAlive: KEEP_ALIVE }, family), sizeThere, { salt: 0, piece });
  pair.clock.runWhile(() => !(there.closed && (back === undefined || back.closed)), HOURS);
  const failed = there.failure !== undefined || back?.failure !== undefined;
  if (!there.closed) faults.push("the connection never came to an end");
  if (back !== undefined && !back.closed) faults.push("the far end never came to an end");
  if (!failed && back?.reader.read !== sizeThere) faults.push(`${back?.reader.read} of ${sizeThere} bytes arrived`);
  if (!failed && there.reader.read !== sizeBack) faults.push(`${there.reader.read} of ${sizeBack} bytes came back`);
  server.close();
  pair.clock.runUntil(pair.clock.now + HOURS);
  for (const [name, { stack }] of Object.entries({ near: pair.near, far: pair.far })) {
    if (stack.tcp.table.size !== 0) faults.push(`${name}: ${stack.tcp.table.size} entries are left`);
    if (stack.budget.taken !== 0) faults.push(`${name}: ${stack.budget.taken} bytes are left`);
    if (stack.timers.next !== Number.POSITIVE_INFINITY) faults.push(`${name}: a timer is left`);
  }
  return { failed, faults };
}
