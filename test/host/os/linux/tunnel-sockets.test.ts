// The tunnel's sockets through set, up, down and failures, in a network namespace of the test's own.
import { beforeAll, beforeEach, expect, test } from "vitest";
import { PortInUseError } from "../../../../host/errors.ts";
import { TunnelUdp } from "../../../../host/os/linux/tunnel-udp.ts";
import type { LinuxUdp, UdpSockets } from "../../../../host/os/linux/udp.ts";
import { enterNetworkNamespace } from "../../../support/namespace.ts";
import { Lab, LOOPBACK4, pattern, SPARE } from "./support/lab.ts";

let missing: string | undefined;
beforeAll(async () => {
  missing = await enterNetworkNamespace();
});
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const PORT = 42_000;
const OTHER = 42_001;

/** Sockets, a log of what became of them, and another program that takes ports. */
class Bed {
  readonly lab: Lab;
  readonly sockets: TunnelUdp;
  readonly log: string[] = [];
  readonly events: string[] = [];
  /** What other threads say when they are to bind. */
  refusal: Error | undefined;
  readonly stranger: LinuxUdp;

  private constructor(lab: Lab) {
    this.lab = lab;
    this.stranger = lab.udp();
    this.sockets = new TunnelUdp({
      libc: lab.libc,
      area: lab.area(),
      descriptors: SPARE,
      opening: ({ port }: UdpSockets) => {
        if (this.refusal !== undefined) throw this.refusal;
        this.events.push(`others ${port}`);
      },
      opened: () => this.events.push(`opened ${this.sockets.udp.port}`),
      closing: () => this.events.push("closing"),
      log: (_level, message) => this.log.push(message),
    });
  }

  static async open(): Promise<Bed> {
    return new Bed(await Lab.open());
  }

  send(port: number, length: number): void {
    const to = { family: 4 as const, port, address: LOOPBACK4 };
    expect(this.stranger.send(...this.lab.describe([{ bytes: pattern(length), to }]))).toBe(0);
  }

  waiting(): number[] {
    return this.lab.receive(this.sockets.udp, 4).map(({ bytes }) => bytes.length);
  }

  close(): void {
    this.stranger.close();
    this.sockets.stop();
  }
}

test("a port that is set while the interface is down is bound at once, and what comes waits for it", async () => {
  const bed = await Bed.open();
  expect(bed.sockets.setPort(PORT)).toBe(true);
  expect(bed.sockets.udp.port).toBe(PORT);
  bed.stranger.open(0);
  bed.send(PORT, 148);
  expect(bed.events).toEqual([]);
  expect(bed.sockets.start()).toBe(true);
  expect(bed.events).toEqual([`others ${PORT}`, `opened ${PORT}`]);
  expect(bed.waiting()).toEqual([148]);
  bed.close();
});

test("what waited too long before the interface is up is dropped", async () => {
  const bed = await Bed.open();
  bed.sockets.setPort(PORT);
  bed.stranger.open(0);
  bed.sockets.dropStale(10_000);
  for (let i = 0; i < 10; i++) bed.send(PORT, 100 + i);
  bed.sockets.dropStale(14_999);
  bed.sockets.dropStale(15_000);
  bed.send(PORT, 200);
  bed.sockets.dropStale(19_999);
  expect(bed.waiting()).toEqual([200]);
  bed.close();
});

test("a port that is taken is refused while the interface is down, and nothing changes", async () => {
  const bed = await Bed.open();
  bed.stranger.open(OTHER);
  bed.sockets.setPort(PORT);
  expect(() => bed.sockets.setPort(OTHER)).toThrow(PortInUseError);
  expect(bed.sockets.port).toBe(PORT);
  expect(bed.sockets.udp.port).toBe(PORT);
  expect(bed.log).toEqual([`listen_port: UDP port ${OTHER} is in use`]);
  bed.close();
});

test("a port that is taken is refused in use, and the sockets before stay, with what waits in them", async () => {
  const bed = await Bed.open();
  bed.stranger.open(OTHER);
  bed.sockets.setPort(PORT);
  bed.sockets.start();
  bed.send(PORT, 33);
  const { v4, v6 } = bed.sockets.udp;
  expect(() => bed.sockets.setPort(OTHER)).toThrow(PortInUseError);
  expect([bed.sockets.udp.v4, bed.sockets.udp.v6, bed.sockets.port]).toEqual([v4, v6, PORT]);
  expect(bed.events).toEqual([`others ${PORT}`, `opened ${PORT}`]);
  expect(bed.waiting()).toEqual([33]);
  bed.close();
});

test("the same port again, or any port while there is one that was chosen, changes nothing", async () => {
  const bed = await Bed.open();
  bed.stranger.open(0);
  for (const port of [PORT, 0]) {
    bed.sockets.setPort(port);
    bed.sockets.start();
    const { v4 } = bed.sockets.udp;
    const chosen = bed.sockets.port;
    bed.send(chosen, 44);
    expect(bed.sockets.setPort(port)).toBe(false);
    expect(bed.sockets.setPort(chosen)).toBe(false);
    expect([bed.sockets.udp.v4, bed.sockets.port]).toEqual([v4, chosen]);
    expect(bed.waiting()).toEqual([44]);
  }
  bed.close();
});

test("other threads cannot bind: the sockets before stay in use", async () => {
  const bed = await Bed.open();
  bed.sockets.setPort(PORT);
  bed.sockets.start();
  bed.refusal = new Error("too many open files");
  expect(() => bed.sockets.setPort(OTHER)).toThrow("too many open files");
  expect(bed.sockets.port).toBe(PORT);
  // The one that was bound for it is closed again.
  bed.stranger.open(OTHER);
  bed.close();
});

test("a port that is taken when the interface comes up is shown as none, told once, and tried again", async () => {
  const bed = await Bed.open();
  bed.sockets.setPort(PORT);
  bed.sockets.start();
  bed.sockets.stop();
  expect(bed.sockets.port).toBe(PORT);
  bed.stranger.open(PORT);
  for (let i = 0; i < 3; i++) expect(bed.sockets.start()).toBe(false);
  expect(bed.sockets.port).toBe(0);
  expect(bed.log).toEqual([`no UDP sockets: UDP port ${PORT} is in use; trying again`]);
  bed.stranger.close();
  expect(bed.sockets.start()).toBe(true);
  expect(bed.sockets.port).toBe(PORT);
  expect(bed.log[1]).toBe(`UDP port ${PORT} is open now`);
  bed.close();
});

test("a port that the system chose is kept for the next time, and given up when somebody else has it then", async () => {
  const bed = await Bed.open();
  bed.sockets.start();
  const chosen = bed.sockets.port;
  bed.sockets.stop();
  bed.sockets.start();
  expect(bed.sockets.port).toBe(chosen);
  bed.sockets.stop();
  bed.stranger.open(chosen);
  expect(bed.sockets.start()).toBe(true);
  expect([0, chosen]).not.toContain(bed.sockets.port);
  bed.close();
});

test("what fails when the interface comes up is tried again until it works", async () => {
  const bed = await Bed.open();
  bed.refusal = new Error("too many open files");
  expect(bed.sockets.start()).toBe(false);
  bed.refusal = undefined;
  expect(bed.sockets.start()).toBe(true);
  expect(bed.events).toEqual([`others ${bed.sockets.port}`, `opened ${bed.sockets.port}`]);
  expect(bed.sockets.start()).toBe(true);
  expect(bed.events).toHaveLength(2);
  bed.close();
});
