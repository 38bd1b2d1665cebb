/** Machines, the network between them, and true time: events and deadlines in order, observed throughout. */
import type { Endpoint } from "../../host/core/core.ts";
import type { Cores } from "./cores.ts";
import { EventQueue } from "./event-queue.ts";
import { Machine } from "./machine.ts";
import { Network, type Transit, type Weather } from "./network.ts";
import { Observer } from "./observer.ts";
import { innerPacket } from "./packet.ts";
import type { Random } from "./random.ts";

/** An engine that wants to be called this often without time going on hangs. */
const CALLS_AT_ONE_MOMENT = 2_000;

function name({ address, port }: Endpoint): string {
  return `${address}/${port}`;
}

export class World {
  time = 0;
  readonly random: Random;
  readonly observer = new Observer();
  readonly network: Network;
  readonly machines: Machine[] = [];
  readonly #events = new EventQueue();
  readonly #cores: Cores;
  #packets = 0;
  #addresses = 0;
  /** What arrives at a machine at one moment comes in one batch. */
  readonly #arrivals = new Map<Machine, Transit[]>();
  readonly #whenAwake = new Map<Machine, (() => void)[]>();

  constructor(random: Random, cores: Cores, weather: Weather) {
    this.random = random;
    this.#cores = cores;
    this.network = new Network(random, weather, (transit, delay) =>
      // Whole milliseconds, so that datagrams meet.
      this.at(Math.round(this.time + delay), () => this.#arrive(transit)),
    );
  }

  addMachine(): Machine {
    const events = {
      sent: (from: Machine, to: Endpoint, bytes: Uint8Array, peer: Parameters<Observer["sent"]>[2]) => {
        const original = this.observer.sent(from, bytes, peer);
        this.network.send({ bytes, from: from.address, to, original });
      },
      delivered: (machine: Machine, packet: Uint8Array) => this.observer.delivered(machine, packet),
    };
    const machine = new Machine(this.machines.length, this.#cores, this.random, events, this.freshAddress());
    this.machines.push(machine);
    return machine;
  }

  /** An address nobody had before. */
  freshAddress(): Endpoint {
    this.#addresses += 1;
    return {
      address: Uint8Array.of(192, 0, this.#addresses >>> 8, this.#addresses & 255),
      port: this.random.whole(1024, 65535),
      scope: 0,
    };
  }

  at(time: number, run: () => void): void {
    this.#events.add(time, run);
  }

  /** Do something to a machine, unless it sleeps. */
  act(machine: Machine, what: () => void): void {
    if (machine.asleep) return;
    what();
    this.observer.settled(machine);
  }

  /** Do something to a machine as soon as it is awake. */
  configure(machine: Machine, what: () => void): void {
    if (!machine.asleep) return this.act(machine, what);
    this.#whenAwake.set(machine, [...(this.#whenAwake.get(machine) ?? []), what]);
  }

  wakeUp(machine: Machine): void {
    machine.asleep = false;
    this.act(machine, () => {
      machine.wakeUp();
      for (const what of this.#whenAwake.get(machine) ?? []) what();
    });
    this.#whenAwake.delete(machine);
  }

  /** A packet of the host behind one machine for the host behind another. */
  sendPacket(from: Machine, to: Machine): void {
    this.act(from, () => {
      const filling = this.random.bytes(this.random.whole(0, this.random.pick([0, 60, 1300])));
      const packet = innerPacket(this.#packets++, from.index, to.index, filling);
      this.observer.willSend(packet);
      from.send(packet.bytes);
    });
  }

  /** The number that the next packet gets. */
  get nextPacket(): number {
    return this.#packets;
  }

  /** A datagram that took no way through the network. */
  arriveNow(transit: Transit): void {
    this.#arrive(transit);
  }

  #arrive(transit: Transit): void {
    const to = name(transit.to);
    const machine = this.machines.find(({ address }) => name(address) === to);
    if (machine === undefined || machine.asleep) return;
    const waiting = this.#arrivals.get(machine);
    if (waiting !== undefined) {
      waiting.push(transit);
      return;
    }
    this.#arrivals.set(machine, [transit]);
    this.at(this.time, () => this.#receive(machine));
  }

  #receive(machine: Machine): void {
    const batch = this.#arrivals.get(machine)!;
    this.#arrivals.delete(machine);
    if (machine.asleep) return;
    const originals = batch.flatMap(({ original }) => (original === undefined ? [] : [original]));
    this.observer.willReceive(machine, originals);
    const before = originals.length === 0 && machine.engine.core.exports.queued() === 0 ? state(machine) : undefined;
    machine.receive(batch);
    this.observer.settled(machine);
    if (before !== undefined && state(machine) !== before) {
      throw new Error(`machine ${machine.index} changed its mind because of datagrams that nobody sent`);
    }
  }

  /** Let time pass up to `end`, or until `done`. */
  run(end: number, done: () => boolean = () => false): void {
    let calls = 0;
    while (!done()) {
      let next = this.#events.next;
      let sleeper: Machine | undefined;
      for (const machine of this.machines) {
        if (machine.deadline < next) {
          next = machine.deadline;
          sleeper = machine;
        }
      }
      if (next > end) break;
      calls = next > this.time ? 0 : calls + 1;
      if (calls > CALLS_AT_ONE_MOMENT) throw new Error("an engine asks to be called again and again");
      this.#setTime(next);
      if (sleeper === undefined) this.#events.runNext();
      else this.act(sleeper, () => sleeper.advance());
    }
    if (this.time < end && !done()) this.#setTime(end);
  }

  #setTime(time: number): void {
    this.time = Math.max(time, this.time);
    this.observer.time = this.time;
    for (const machine of this.machines) machine.setTime(this.time);
  }

  close(): void {
    for (const machine of this.machines) machine.shutDown();
    this.machines.length = 0;
  }
}

/** All that only an authenticated datagram may change. */
function state(machine: Machine): string {
  return [...machine.peers.values()]
    .map((peer) => `${name(peer.endpoint() ?? machine.address)} ${peer.rxBytes()} ${peer.lastHandshake().seconds}`)
    .join();
}
