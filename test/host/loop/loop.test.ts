import { afterEach, expect, test, vi } from "vitest";
import type { Core } from "../../../host/core/core.ts";
import { loadCore } from "../../../host/core/load.ts";
import { Lane } from "../../../host/lane/lane.ts";
import { Loop } from "../../../host/loop/loop.ts";
import { makeControl } from "../../../host/loop/threads/control.ts";
import { Gate } from "../../../host/loop/threads/gate.ts";
import type { Workers } from "../../../host/loop/threads/workers.ts";
import { PLACE, type TunnelEvents, type TunnelPorts } from "../../../host/os/machine.ts";
import { TestInside, TestOutside } from "../../support/ports.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const PACKET = Uint8Array.of(0x45, ...new Uint8Array(19));

const nothing = (): void => {};

/** Of a system on which nothing happens by itself. */
function quietPorts(core: Core, { inside, waiting }: Pick<TunnelPorts, "inside" | "waiting">): TunnelPorts {
  return {
    ...{ base: 0n, device: { vnetHeader: true, tcpOffload: true, udpOffload: true } as TunnelPorts["device"] },
    ...{ inside, outside: new TestOutside(core, nothing), waiting, uptime: undefined, yieldCore: nothing },
    ...{ fillRandom: nothing, serve: nothing, serveOthers: nothing, startSockets: () => false, stopSockets: nothing },
    ...{ probe: nothing, heartbeat: nothing, nextDeadline: () => Number.POSITIVE_INFINITY, advance: nothing },
    ...{ pathLearnt: nothing, mayFollow: () => true, closing: () => [] },
  };
}

/** A TUN device that another packet comes to each 0.02 ms, and 20 during a pause, and a clock that waits take on. */
async function streamThrough(turns: number) {
  const core = await loadCore({ maxPeers: 1, maxAllowedIps: 1 }, "shared");
  let clock = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  const inside = Object.assign(new TestInside(core, () => {}), { written: 0 });
  /** Packets taken in each turn, and which of them came after a pause. */
  const [taken, paused]: [number[], number[]] = [[], []];
  let ended = (_reason: string): void => {};
  let came = 0;
  const come = (count: number): void => {
    came += count;
    for (let i = 0; i < count; i++) inside.waiting.push(PACKET);
  };
  const waiting = {
    wait(): number {
      taken.push(came - inside.waiting.length);
      came = inside.waiting.length;
      if (taken.length > turns) ended("enough");
      clock += 0.02;
      come(inside.waiting.length === 0 ? 1 : 0);
      return 1;
    },
    waitBriefly: (): number => 0,
    pause(timeoutMs: number): void {
      paused.push(taken.length);
      clock += timeoutMs;
      come(20);
    },
    ready: (place: number): boolean => place === PLACE.tun,
  };
  const open = (events: TunnelEvents): TunnelPorts => {
    ended = events.ended;
    return quietPorts(core, { inside, waiting });
  };
  const loop = new Loop({ core, open, log: () => {} });
  expect(await loop.run(new AbortController().signal)).toBe("enough");
  return { taken: taken.slice(1), paused };
}

test("what came together during a pause is taken in one turn", async () => {
  const { taken, paused } = await streamThrough(200);
  expect(taken.slice(0, 64)).toEqual(Array(64).fill(1));
  expect(paused.length).toBeGreaterThan(100);
  for (const turn of paused.slice(0, -1)) expect(taken[turn]).toBe(20);
});

test("what workers told before a change is dealt with, and has left, before they go on", async () => {
  const core = await loadCore({ maxPeers: 1, maxAllowedIps: 1 }, "shared");
  const gate = new Gate(makeControl(1), 1);
  const steps: string[] = [];
  const release = gate.release.bind(gate);
  vi.spyOn(gate, "release").mockImplementation(() => {
    steps.push("go on");
    release();
  });
  vi.spyOn(Lane.prototype, "flush").mockImplementation(() => void steps.push("sent"));
  let ended = nothing as (reason: string) => void;
  const waiting = { wait: () => 1, waitBriefly: () => 0, ready: () => false };
  const workers: Pick<Workers, "waiting" | "collect" | "gate" | "deadline" | "halt"> = {
    ...{ gate, deadline: Number.POSITIVE_INFINITY, waiting: () => waiting, halt: nothing },
    collect: (_letters, _now, reason = "in time") => void steps.push(reason),
  };
  const inside = Object.assign(new TestInside(core, nothing), { written: 0 });
  const loop = new Loop({
    core,
    workers: workers as Workers,
    open: (events) => {
      ended = events.ended;
      return {
        ...quietPorts(core, { inside, waiting }),
        advance: () => void (steps.length > 1 ? change() : undefined),
      };
    },
    log: nothing,
  });
  function change(): void {
    gate.hold();
    steps.push("change");
    ended("enough");
  }
  await loop.run(new AbortController().signal);
  // Of the first turn, in which nothing changed, only that they were asked.
  const [first, second] = [
    ["in time", "sent"],
    ["in time", "change", "sent", "before a change", "sent", "go on"],
  ];
  expect(steps).toEqual([...first, ...second]);
});

test("who was asked to end before the first wait does not wait", async () => {
  const core = await loadCore({ maxPeers: 1, maxAllowedIps: 1 }, "shared");
  const wait = vi.fn(() => 0);
  const inside = Object.assign(new TestInside(core, nothing), { written: 0 });
  const closing = vi.fn(() => []);
  const waiting = { wait, waitBriefly: () => 0, ready: () => false };
  const loop = new Loop({ core, open: () => ({ ...quietPorts(core, { inside, waiting }), closing }), log: nothing });
  expect(await loop.run(AbortSignal.abort())).toBe("asked to end");
  expect(wait).not.toHaveBeenCalled();
  expect(closing).toHaveBeenCalledOnce();
});
