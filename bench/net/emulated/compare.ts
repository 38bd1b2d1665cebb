/**
 * Linux and this stack as senders over the same emulated links, at the same time, to the same receiver: a kernel in another namespace. The
 * links are those of the tests (test/net/link.ts), on a clock that is run along with the real one. Packet n of a link is lost for
 * both senders or for neither: what a seed does is the same for both.
 */
import { fileURLToPath } from "node:url";
import { POLL } from "../../../host/ffi/constants.ts";
import { POLLFD } from "../../../host/ffi/layout.ts";
import { type Libc, openLibc } from "../../../host/ffi/libc.ts";
import { IpAddress } from "../../../host/net/address.ts";
import { setNice } from "../../../host/os/linux/priority.ts";
import { run } from "../../../test/e2e/support/exec.ts";
import { type Namespace, Topology } from "../../../test/e2e/support/topology.ts";
import { VirtualClock } from "../../../test/net/clock.ts";
import { Host } from "../../../test/net/host.ts";
import { Link, type LinkConditions } from "../../../test/net/link.ts";
import { Random } from "../../../test/simulation/random.ts";
import {
  destination,
  KERNEL_NETWORK,
  kernelSender,
  PORT,
  RECEIVERS,
  receiver,
  SENDERS,
  stackSender,
} from "./addresses.ts";
import { Program } from "./program.ts";
import { TunPort } from "./tun-port.ts";

const ENDS = fileURLToPath(new URL("./ends.ts", import.meta.url));
const MTU = 1420;
const PIECE = new Uint8Array(64 << 10);
const LINK_NICE = -15;
/** The kernel's packets wait for us, not the other way round. */
const QUEUE_PACKETS = "10000";

export interface Compared {
  readonly seed: number;
  readonly linuxMegabits: number;
  readonly stackMegabits: number;
}

interface Way {
  readonly there: Link;
  readonly back: Link;
}

class Laboratory {
  readonly #clock = new VirtualClock();
  readonly #near: TunPort;
  readonly #far: TunPort;
  readonly #libc: Libc;
  readonly #kernel: Way[] = [];
  readonly #stack: Way[] = [];
  readonly #hosts: Host[] = [];

  constructor(libc: Libc, near: TunPort, far: TunPort) {
    this.#libc = libc;
    this.#near = near;
    this.#far = far;
  }

  addLink(conditions: Partial<LinkConditions>, back: Partial<LinkConditions>, seed: number): void {
    const index = this.#hosts.length;
    const host = new Host(this.#clock, new Random(seed), {
      addresses: [stackSender(index)],
      mtu: MTU,
      send: (packet) => this.#stack[index]!.there.send(packet),
    });
    const way = (deliver: (packet: Uint8Array) => void): Way => {
      const ends = (to: (packet: Uint8Array) => void) => ({ deliver: to, tooBig: () => {} });
      return {
        there: new Link(
          this.#clock,
          new Random(2 * seed),
          conditions,
          ends((packet) => this.#far.write(packet)),
        ),
        back: new Link(this.#clock, new Random(2 * seed + 1), back, ends(deliver)),
      };
    };
    this.#hosts.push(host);
    this.#kernel.push(way((packet) => this.#near.write(packet)));
    this.#stack.push(way((packet) => host.receive(packet)));
  }

  startStacks(): void {
    for (const [index, { stack }] of this.#hosts.entries()) {
      const stream = stack.tcp.connect({ remote: IpAddress.parse(receiver(index))!, remotePort: PORT });
      if (typeof stream === "string") throw new Error(stream);
      const feed = () => {
        while (stream.write(PIECE, "given") > 0);
      };
      stream.handler = { connected: feed, writable: feed };
    }
  }

  /** Have the clock of the links go with the real one. */
  run(seconds: number): void {
    const [list, view] = [8, new DataView(this.#libc.memory.buffer)];
    for (const [i, { tun }] of [this.#near, this.#far].entries()) {
      view.setInt32(list + POLLFD.BYTES * i + POLLFD.fd, tun.fd, true);
      view.setInt16(list + POLLFD.BYTES * i + POLLFD.events, POLL.POLLIN, true);
    }
    const start = performance.now() - this.#clock.now;
    const end = this.#clock.now + 1000 * seconds;
    while (this.#clock.now < end) {
      this.#clock.runUntil(performance.now() - start);
      for (let packet = this.#near.read(); packet !== undefined; packet = this.#near.read()) {
        // It leaves at this moment, and not when the loop last looked at the clock.
        this.#clock.runUntil(performance.now() - start);
        this.#takeFromNear(packet);
      }
      for (let packet = this.#far.read(); packet !== undefined; packet = this.#far.read()) {
        this.#clock.runUntil(performance.now() - start);
        this.#takeFromFar(packet);
      }
      const wait = Math.min(this.#clock.next, end) - (performance.now() - start);
      if (wait > 0) this.#libc.poll(list, 2, Math.ceil(wait));
    }
  }

  #takeFromNear(packet: Uint8Array): void {
    // The kernel has messages of its own, about IPv6 above all.
    if (packet[0]! >> 4 === 4) this.#kernel[destination(packet).link]?.there.send(packet);
  }

  #takeFromFar(packet: Uint8Array): void {
    if (packet[0]! >> 4 !== 4) return;
    const { network, link } = destination(packet);
    (network === KERNEL_NETWORK ? this.#kernel : this.#stack)[link]?.back.send(packet);
  }
}

async function prepare(port: TunPort, to: Namespace, addresses: readonly string[], route: string): Promise<void> {
  const { name } = port.tun;
  // The descriptor stays ours: a device may move, whoever has it open.
  await run(["ip", "link", "set", name, "netns", to.name]);
  await to.ip("link", "set", name, "txqueuelen", QUEUE_PACKETS, "up");
  for (const address of addresses) await to.addAddress(name, `${address}/32`);
  // Not every namespace may choose its default; a route may.
  await to.ip("route", "add", route, "dev", name, "congctl", "cubic");
  await to.sysctl("net.ipv4.tcp_no_metrics_save", "1");
}

/** One link for each seed, all at once. @param back conditions of the way back */
export async function compare(
  conditions: Partial<LinkConditions>,
  back: Partial<LinkConditions>,
  seeds: readonly number[],
  seconds: number,
): Promise<Compared[]> {
  await using topology = new Topology();
  const [near, far] = [await topology.namespace("near"), await topology.namespace("far")];
  const libc = await openLibc(new WebAssembly.Memory({ initial: 4, maximum: 4 }));
  const ports = [new TunPort(libc, "emulated0", MTU), new TunPort(libc, "emulated1", MTU)] as const;
  // A link that gets no turn is no link: packets have to leave when they are due, whatever else the machine does.
  setNice(LINK_NICE);
  const links = seeds.map((_, index) => index);
  await prepare(ports[0], near, links.map(kernelSender), RECEIVERS);
  await prepare(ports[1], far, links.map(receiver), SENDERS);
  const laboratory = new Laboratory(libc, ...ports);
  for (const seed of seeds) laboratory.addLink(conditions, back, seed);
  const program = (namespace: Namespace, ...args: string[]) =>
    new Program(namespace, [process.execPath, ENDS, ...args]);
  using receiving = program(far, "receive", ...links.map(receiver));
  using sending = program(near, "send", ...links.map((link) => `${kernelSender(link)}=${receiver(link)}`));
  await Promise.all([receiving.line(), sending.line()]);
  sending.tell("go");
  laboratory.startStacks();
  laboratory.run(seconds);
  receiving.tell("totals");
  const totals = JSON.parse(await receiving.line()) as { kernel: number; stack: number }[];
  for (const { tun } of ports) tun.close();
  const megabits = (bytes: number) => (bytes * 8) / seconds / 1e6;
  return seeds.map((seed, i) => ({
    seed,
    linuxMegabits: megabits(totals[i]!.kernel),
    stackMegabits: megabits(totals[i]!.stack),
  }));
}
