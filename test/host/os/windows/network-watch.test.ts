/** Changes of addresses and routes, as Windows tells of them. */
import { expect, it } from "vitest";
import { ERROR, SOCKET } from "../../../../host/ffi/windows/constants.ts";
import { OVERLAPPED } from "../../../../host/ffi/windows/layout.ts";
import { REST_MS } from "../../../../host/os/burst.ts";
import { NetworkWatch, type NetworkWatchOptions } from "../../../../host/os/windows/network-watch.ts";

const SET_EVENT = 0x7fff_0000_1000n;

/** @param newer what the functions that tell of both families do; undefined: there are none @param older error of the others */
function watch(
  newer: "tell" | "do nothing" | "refuse" | "find no SetEvent" | undefined,
  older: number = ERROR.ERROR_IO_PENDING,
) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  /** First what it is of, or the family. */
  const asked: (readonly [string | number, ...unknown[]])[] = [];
  const cancelled: unknown[] = [];
  const log: string[] = [];
  const served = new Map<number, () => void>();
  let [events, taken, changes] = [0, 256, 0];
  const notify = (family: number, call: bigint, event: bigint, initial: number, at: number): number => {
    asked.push([family, call, event, initial]);
    if (newer === "tell") view.setBigUint64(at, 0x5000n + event, true);
    return newer === "refuse" ? ERROR.ERROR_INVALID_PARAMETER : 0;
  };
  const take = (bytes: number): number => {
    taken += bytes;
    return taken - bytes;
  };
  const once = (name: string) => (_handle: number, overlapped: number) => {
    asked.push([name, Number(view.getBigInt64(overlapped + OVERLAPPED.event, true))]);
    return older;
  };
  const win = {
    ...{
      memory,
      makeEvent: () => ++events,
      addressOf(...name: string[]) {
        if (newer === "find no SetEvent") throw new Error("no such function");
        return name.join() === "kernel32.dll,SetEvent" ? SET_EVENT : 0n;
      },
    },
    system() {
      if (newer === undefined) throw new Error("no such function");
      const CancelMibChangeNotify2 = (handle: bigint) => void cancelled.push(handle);
      return { NotifyUnicastIpAddressChange: notify, NotifyRouteChange2: notify, CancelMibChangeNotify2 };
    },
    network: {
      ...{ NotifyAddrChange: once("addresses"), NotifyRouteChange: once("routes") },
      CancelIPChangeNotify: (overlapped: number) => void cancelled.push(overlapped),
    },
  };
  const options = {
    win,
    areas: { take },
    waits: { add: (event: number, serve: () => void) => void served.set(event, serve) },
    log: (_level: string, message: string) => void log.push(message),
    changed: () => void changes++,
  };
  const network = new NetworkWatch(options as unknown as NetworkWatchOptions);
  return { network, asked, cancelled, log, served, changes: () => changes };
}

it("are told in both families, by SetEvent with an event of ours", () => {
  const { network, asked, cancelled, served, changes, log } = watch("tell");
  expect(asked).toEqual([1n, 2n].map((event) => [SOCKET.AF_UNSPEC, SET_EVENT, event, 0]));
  served.get(2)!();
  network.advance(0);
  expect([changes(), asked.length]).toEqual([1, 2]);
  expect(log.at(-1)).toBe("routes of this machine changed: sources are chosen anew");
  network.close();
  expect(cancelled).toEqual([0x5001n, 0x5002n]);
});

it("a flood of them costs one pass a rest, the first at once, and the last is not missed", () => {
  const { network, served, changes, log } = watch("tell");
  expect(network.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  network.advance(0);
  expect(changes()).toBe(0);
  const passes: number[] = [];
  for (let now = 0; now <= 2 * REST_MS; now++) {
    if (now < 2 * REST_MS) for (const event of [1, 2, 2]) served.get(event)!();
    expect(network.nextDeadline() <= now).toBe(now % REST_MS === 0);
    const before = changes();
    network.advance(now);
    if (changes() > before) passes.push(now);
  }
  expect(passes).toEqual([0, REST_MS, 2 * REST_MS]);
  expect(network.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  expect(log).toHaveLength(3 * 2);
});

it.each(["do nothing", "refuse", "find no SetEvent", undefined] as const)(
  "where those %s, in IPv4 and once, so that it is asked again",
  (newer) => {
    const { network, asked, cancelled, served, changes } = watch(newer);
    expect(asked.filter(([of]) => typeof of === "string")).toEqual([
      ["addresses", 1],
      ["routes", 2],
    ]);
    const before = asked.length;
    served.get(2)!();
    network.advance(0);
    expect([changes(), asked.slice(before)]).toEqual([1, [["routes", 2]]]);
    network.close();
    expect(cancelled).toHaveLength(2);
  },
);

it("where nothing tells, it is said that they are noticed late", () => {
  const { network, cancelled, served, log } = watch("do nothing", ERROR.ERROR_NOT_SUPPORTED);
  expect([served.size, log]).toEqual([
    0,
    [
      "changes of addresses are noticed late: NotifyAddrChange: ERROR_NOT_SUPPORTED",
      "changes of routes are noticed late: NotifyRouteChange: ERROR_NOT_SUPPORTED",
    ],
  ]);
  network.close();
  expect(cancelled).toEqual([]);
});
