/**
 * One simulated story: a few machines that are each other's peers, a time of troubles, and then peace. In peace every
 * pair has to talk again, both ways, within RECOVERY.
 *
 * Why that long is enough, when the hosts of both ends send about once a second and a datagram takes 40 ms at most:
 *   16.7 s   a session that only one side still has: that side notices 15 s + jitter after its first packet
 *    5.0 s   an answer given just before peace keeps the gate for initiations shut
 *    5.4 s   an initiation lost just before peace, or answered with a cookie, is sent again after 5 s + jitter
 *   19.9 s   both sides start at the same moment and cross, three times in a row: 5 s + jitter and the next packet
 * The protocol itself promises no more than that it tries for 90 s.
 */
import { blake2s } from "@noble/hashes/blake2.js";
import * as abi from "../../assembly/abi.ts";
import type { Cores } from "./cores.ts";
import type { Machine } from "./machine.ts";
import { FAIR, stormy } from "./network.ts";
import { Random } from "./random.ts";
import { World } from "./world.ts";

export const RECOVERY = 47_000;

interface Link {
  readonly a: Machine;
  readonly b: Machine;
  presharedKey: Uint8Array;
  readonly keepalive: number;
}

export interface Outcome {
  /** Until the last pair talked again, both ways. */
  readonly recoveredAfter: number;
  readonly deliveries: number;
  readonly datagrams: number;
  readonly handshakes: number;
}

/** @throws as soon as anything is wrong */
export function runScenario(seed: number, cores: Cores): Outcome {
  const world = new World(new Random(seed), cores, FAIR);
  try {
    return new Scenario(world).run();
  } finally {
    world.close();
  }
}

class Scenario {
  readonly #world: World;
  readonly #random: Random;
  readonly #links: Link[] = [];
  /** When troubles end. */
  readonly #peace: number;
  readonly #roamers = new Set<Machine>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random;
    this.#peace = this.#random.pick([5_000, 30_000, 150_000, 400_000, 800_000]);
    this.#populate();
  }

  /** Two to four machines. Of two peers one at the most moves about, for two that move at once lose each other for good. */
  #populate(): void {
    const world = this.#world;
    const random = this.#random;
    const count = random.whole(2, 4);
    while (world.machines.length < count) {
      const machine = world.addMachine();
      if (random.chance(0.3)) machine.messageLimit = BigInt(random.whole(5, 60));
      machine.applyPrivateKey();
      this.#applyLimit(machine);
      machine.setUp("up");
      if (machine.index >= count / 2) this.#roamers.add(machine);
    }
    for (const a of world.machines) {
      for (const b of world.machines) {
        if (a.index >= b.index || (this.#roamers.has(a) && this.#roamers.has(b))) continue;
        const presharedKey = random.chance(0.5) ? random.bytes(32) : new Uint8Array(32);
        const keepalive = random.chance(0.3) ? random.whole(1, 30) : 0;
        const link = { a, b, presharedKey, keepalive };
        this.#links.push(link);
        this.#connect(link, a, b);
        this.#connect(link, b, a);
      }
    }
  }

  #applyLimit(machine: Machine): void {
    machine.engine.core.exports.setRekeyLimits(120_000, machine.messageLimit);
  }

  /** Make `other` a peer of `machine`. Where a roamer is, one has to learn from the roamer. */
  #connect(link: Link, machine: Machine, other: Machine): void {
    const endpoint = this.#roamers.has(other) ? undefined : other.address;
    machine.addPeer(other, { endpoint, presharedKey: link.presharedKey, keepalive: link.keepalive });
  }

  run(): Outcome {
    const world = this.#world;
    world.network.weather = stormy(this.#random);
    this.#planTraffic();
    this.#planTroubles();
    world.run(this.#peace);
    const recoveredAfter = this.#recover();
    for (const machine of world.machines) world.observer.checkTxBytes(machine);
    const { deliveries, datagrams, handshakes } = world.observer;
    return { recoveredAfter, deliveries, datagrams, handshakes };
  }

  // ── troubles ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Some bursts in either direction of each link, with long silence between them. */
  #planTraffic(): void {
    const random = this.#random;
    for (const link of this.#links) {
      for (let burst = random.whole(0, 6); burst > 0; burst--) {
        const [from, to] = random.chance(0.5) ? [link.a, link.b] : [link.b, link.a];
        let at = random.between(0, this.#peace);
        const pause = random.pick([1, 100, 3_000]);
        for (let left = random.whole(1, 20); left > 0; left--) {
          this.#world.at(at, () => this.#world.sendPacket(from, to));
          at = Math.min(this.#peace, at + random.between(0, pause));
        }
      }
    }
  }

  #planTroubles(): void {
    const random = this.#random;
    for (let left = random.whole(0, 6); left > 0; left--) {
      const machine = random.pick(this.#world.machines);
      const trouble = random.pick([
        () => this.#restart(machine),
        () => this.#roam(machine),
        () => this.#changeKey(machine),
        () => this.#changePresharedKey(random.pick(this.#links)),
        () => this.#goDown(machine),
        () => this.#sleep(machine),
        () => this.#flood(machine),
        () => this.#forgetAndRelearn(random.pick(this.#links)),
      ]);
      this.#world.at(random.between(0, this.#peace), trouble);
    }
  }

  /** Some time from now, but in time for peace. */
  #later(most: number, machine: Machine, run: () => void): void {
    const at = Math.min(this.#peace, this.#world.time + this.#random.between(0, most));
    this.#world.at(at, () => this.#world.configure(machine, run));
  }

  #linksOf(machine: Machine): Link[] {
    return this.#links.filter(({ a, b }) => a === machine || b === machine);
  }

  #restart(machine: Machine): void {
    this.#world.act(machine, () => {
      machine.restart();
      for (const link of this.#linksOf(machine)) this.#connect(link, machine, link.a === machine ? link.b : link.a);
      machine.setUp("up");
    });
  }

  #roam(machine: Machine): void {
    if (this.#roamers.has(machine)) machine.address = this.#world.freshAddress();
  }

  /** A new private key; the peers hear of it a little later. */
  #changeKey(machine: Machine): void {
    this.#world.act(machine, () => {
      machine.privateKey = this.#random.bytes(32);
      machine.applyPrivateKey();
      for (const link of this.#linksOf(machine)) {
        const other = link.a === machine ? link.b : link.a;
        this.#later(20_000, other, () => {
          other.removePeer(machine.index);
          this.#connect(link, other, machine);
        });
      }
    });
  }

  #changePresharedKey(link: Link): void {
    link.presharedKey = this.#random.bytes(32);
    this.#later(20_000, link.a, () => link.a.setPresharedKey(link.b.index, link.presharedKey));
    this.#later(20_000, link.b, () => link.b.setPresharedKey(link.a.index, link.presharedKey));
  }

  #goDown(machine: Machine): void {
    this.#world.act(machine, () => {
      machine.setUp("down");
      this.#later(20_000, machine, () => machine.setUp("up"));
    });
  }

  /** Longer than what passes for a correction of the clock. */
  #sleep(machine: Machine): void {
    if (this.#peace - this.#world.time < 20_000) return;
    this.#world.act(machine, () => {
      machine.sleep();
      const until = this.#world.time + this.#random.between(10_000, 400_000);
      this.#world.at(Math.min(this.#peace, until), () => this.#world.wakeUp(machine));
    });
  }

  /** More initiations at once than the queue may hold before cookies are asked for; mac1 is right, the rest is not. */
  #flood(machine: Machine): void {
    const key = blake2s(Uint8Array.of(...new TextEncoder().encode("mac1----"), ...machine.publicKey));
    const from = this.#world.freshAddress();
    for (let left = 560; left > 0; left--) {
      const bytes = this.#random.bytes(abi.INITIATION_BYTES);
      bytes.set([abi.MESSAGE_INITIATION, 0, 0, 0]);
      bytes.set(blake2s(bytes.subarray(0, 116), { key, dkLen: 16 }), 116);
      this.#world.arriveNow({ bytes, from, to: machine.address, original: undefined });
    }
  }

  /** A peer is removed on both sides and configured anew. */
  #forgetAndRelearn(link: Link): void {
    for (const [machine, other] of [
      [link.a, link.b],
      [link.b, link.a],
    ] as const) {
      this.#world.configure(machine, () => machine.removePeer(other.index));
      this.#later(10_000, machine, () => {
        machine.removePeer(other.index);
        this.#connect(link, machine, other);
      });
    }
  }

  // ── peace ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns how long it took until every host had heard from each of its peers */
  #recover(): number {
    const world = this.#world;
    world.network.weather = FAIR;
    const silent = new Set<string>();
    const firstOfPeace = world.nextPacket;
    for (const { a, b } of this.#links) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        silent.add(`${from.index} → ${to.index}`);
        this.#keepSending(from, to);
      }
    }
    world.observer.onDelivery = ({ number, from, to }) => {
      if (number >= firstOfPeace) silent.delete(`${from} → ${to}`);
    };
    world.run(this.#peace + RECOVERY, () => silent.size === 0);
    if (silent.size > 0)
      throw new Error(`after ${RECOVERY} ms of peace nothing came through: ${[...silent].join(", ")}`);
    return world.time - this.#peace;
  }

  #keepSending(from: Machine, to: Machine): void {
    const send = (): void => {
      this.#world.sendPacket(from, to);
      this.#world.at(this.#world.time + this.#random.between(700, 1_300), send);
    };
    this.#world.at(this.#world.time + this.#random.between(0, 1_000), send);
  }
}
