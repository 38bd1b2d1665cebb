// A worker that fails or dies ends the device: with its reason, and with every key wiped.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { IDENTITY_BYTES } from "../../../../assembly/abi.ts";
import type { Core } from "../../../../host/core/core.ts";
import { loadCore } from "../../../../host/core/load.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { Loop } from "../../../../host/loop/loop.ts";
import { Workers } from "../../../../host/loop/threads/workers.ts";
import { signalEventfd } from "../../../../host/os/linux/epoll.ts";
import type { LinuxTun } from "../../../../host/os/linux/tun.ts";
import { openQueues } from "../../../../host/os/linux/tun-queues.ts";
import { LinuxTunnel } from "../../../../host/os/linux/tunnel.ts";
import { listenUnix } from "../../../../host/os/linux/unix-socket.ts";
import type { UnixListener } from "../../../../host/os/unix-socket.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const NAME = "wgio10";
const UDP = { segmentation: false, coalescing: false };

let missing: string | undefined;
let directory: string;
let core: Core;
let libc: Libc;
let queues: LinuxTun[];
let listener: UnixListener;
let workers: Workers;
let threads: Worker[];
let log: string[];

beforeAll(async () => {
  missing = await enterNetworkNamespace();
});
beforeEach(async (ctx) => {
  queues = [];
  if (missing !== undefined) return ctx.skip(missing);
  directory = mkdtempSync(join(tmpdir(), "wasmguard-io-"));
  [threads, log] = [[], []];
  core = await loadCore({ maxPeers: 4, maxAllowedIps: 4 }, "shared");
  libc = await openLibc(core.memory);
  queues = openQueues(libc, NAME, {}, 3, tell);
  ip(`link set ${NAME} up`);
  listener = listenUnix(libc, join(directory, "wg0.sock"));
  const remember = (thread: Worker) => threads.push(thread);
  process.on("worker", remember);
  workers = await Workers.start({ core, libc, queues: queues.slice(1), udp: UDP, log: tell });
  process.off("worker", remember);
});
afterEach(async () => {
  if (missing !== undefined) return;
  await workers.stop();
  listener.close();
  for (const queue of queues) queue.close();
  rmSync(directory, { recursive: true });
});

function tell(level: string, message: string): void {
  if (level === "error") log.push(message);
}

/** The device with a key and two peers. @returns how its run ends, and what was in memory of its secrets by then */
async function run(): Promise<{ ended: Promise<unknown>; secrets: () => number }> {
  const [tun] = queues;
  const loop = new Loop({
    core: workers.core,
    open: (events) =>
      new LinuxTunnel({
        core: workers.core,
        libc,
        tun: tun!,
        listener,
        watch: undefined,
        udp: UDP,
        companions: workers,
        events,
        log: tell,
      }),
    workers,
    log: tell,
  });
  const { identity, secretExchange, peers } = core.at;
  for (const [key, set] of [
    [1, () => loop.engine.setPrivateKey(secretExchange)],
    [2, () => loop.engine.createPeer(secretExchange)],
    [3, () => loop.engine.createPeer(secretExchange)],
  ] as const) {
    core.bytes.fill(key, secretExchange, secretExchange + 32);
    set();
  }
  const secrets = () =>
    [
      core.bytes.subarray(identity, identity + IDENTITY_BYTES),
      core.bytes.subarray(secretExchange, secretExchange + 32),
      core.bytes.subarray(peers, core.peer(2)),
    ].reduce((sum, bytes) => sum + bytes.filter((byte) => byte !== 0).length, 0);
  expect(secrets()).toBeGreaterThan(96);
  const ended = loop.run(new AbortController().signal).catch((error: unknown) => error);
  return { ended, secrets };
}

/** Epoll descriptor and wake-up eventfd of the worker that reads this queue. */
function descriptorsOf(queue: LinuxTun): { epoll: number; wake: number } {
  for (const entry of readdirSync("/proc/self/fd")) {
    const watched = watchedBy(entry);
    if (!watched.includes(queue.fd)) continue;
    const wake = watched.find((fd) => readlinkSync(`/proc/self/fd/${fd}`).includes("eventfd"));
    return { epoll: Number(entry), wake: wake! };
  }
  throw new Error("no worker waits for this queue");
}

function watchedBy(fd: string): number[] {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    return [...info.matchAll(/^tfd: +(\d+)/gm)].map((match) => Number(match[1]));
  } catch {
    return []; // closed meanwhile
  }
}

test("a worker whose wait fails ends the device with what the system said", async () => {
  const { ended, secrets } = await run();
  const { epoll, wake } = descriptorsOf(queues[2]!);
  libc.close(epoll);
  signalEventfd(libc, wake);
  expect(await ended).toEqual(new Error("epoll_wait: EBADF"));
  expect(secrets()).toBe(0);
  expect(log).toEqual([]);
});

test("a worker that dies without a word ends the device too", async () => {
  const { ended, secrets } = await run();
  const { wake } = descriptorsOf(queues[1]!);
  void threads[0]!.terminate();
  signalEventfd(libc, wake);
  expect(await ended).toEqual(new Error("thread 1 has ended"));
  expect(secrets()).toBe(0);
});

test("an error while it ends leaves no key", async () => {
  const { ended, secrets } = await run();
  const { wake } = descriptorsOf(queues[1]!);
  workers.halt = () => {
    Reflect.deleteProperty(workers, "halt");
    throw new Error("cannot halt");
  };
  void threads[0]!.terminate();
  signalEventfd(libc, wake);
  expect(await ended).toEqual(new Error("thread 1 has ended"));
  expect(secrets()).toBe(0);
  expect(log).toEqual(["at the end: cannot halt"]);
});

test("a worker that cannot start is a reason not to", async () => {
  const closed = { fd: 1_000_000, vnetHeader: false } as LinuxTun;
  await expect(Workers.start({ core, libc, queues: [closed], udp: UDP, log: tell })).rejects.toThrow(
    "epoll_ctl add: EBADF",
  );
});
