/**
 * The long-running part of `wasmguard NAME`: TUN device, UDP sockets, UAPI socket and the engine between them.
 */

import { confinementStatistics } from "../confine/confinement-statistics.ts";
import {
  type ConfinementStatus,
  describeConfinement,
  type KeyMemory,
  recordConfinement,
} from "../confine/confinement-status.ts";
import { protectKeyMemory } from "../confine/key-memory.ts";
import { type ConfineOptions, confine } from "../confine/linux.ts";
import { currentStatus } from "../confine/none.ts";
import { SocketRemover } from "../confine/socket-remover.ts";
import { UnlockedKeys } from "../confine/unlocked-keys.ts";
import { findUser, isShared, SHARED_USER_WARNING } from "../confine/user.ts";
import type { Core } from "../core/core.ts";
import { loadCore } from "../core/load.ts";
import { type Libc, openLibc } from "../ffi/libc.ts";
import { Loop } from "../loop/loop.ts";
import type { Workers, WorkersOptions } from "../loop/threads/workers.ts";
import type { MetricsAddress } from "../metrics/metrics-address.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusLines } from "../metrics/prometheus.ts";
import type { EventLog } from "../os/linux/event-log.ts";
import { DeletionWatch } from "../os/linux/inotify.ts";
import { applyLinkSettings, applyLinkSettingsIfPossible } from "../os/linux/link-settings.ts";
import { setNice } from "../os/linux/priority.ts";
import { hasRoom } from "../os/linux/stdio.ts";
import { adoptTun } from "../os/linux/tun.ts";
import { openQueues } from "../os/linux/tun-queues.ts";
import { keepUdpSockets } from "../os/linux/udp-reserve.ts";
import { adoptUnix, listenUnix } from "../os/linux/unix-socket.ts";
import { socketPath } from "../uapi/socket-path.ts";
import type { WebAddress } from "./web-page.ts";

/** How quickly the event loop, which serves metrics and the page, must get its turn. */
const METRICS_PATIENCE_MS = 50;

export type LogLevel = "silent" | "error" | "verbose";

/** What the kernel may be asked to take and give in bulk; each is used if it can. */
export interface Offloads {
  /** At the TUN device: reads and writes with a vnet header, without which there are no superpackets. */
  readonly vnetHeader: boolean;
  /** TCP superpackets at the TUN device. */
  readonly tunTcp: boolean;
  /** UDP superpackets at the TUN device (Linux ≥ 6.2). */
  readonly tunUdp: boolean;
  /** Trains of datagrams out (UDP_SEGMENT). */
  readonly segmentation: boolean;
  /** Trains of datagrams in (UDP_GRO). */
  readonly coalescing: boolean;
}

export interface DaemonOptions {
  /** What to give up once everything is open; undefined: nothing. */
  confinement?: ConfineOptions | undefined;
  interfaceName: string;
  /** An open TUN device that another program made; without it one is created. */
  tunFd?: number | undefined;
  /** A listening UAPI socket that another program made; without it one is created. */
  uapiFd?: number | undefined;
  logLevel: LogLevel;
  offloads: Offloads;
  /** Threads that carry packets; 1 by default. */
  threads?: number | undefined;
  /** The device exists and the socket answers. Called once. */
  onReady(): void;
  /** Aborted: end cleanly, remove the socket, resolve. */
  signal: AbortSignal;
  /** Scheduling priority, as of nice(1). */
  nice: number;
  /** Microseconds to look for a packet after one, before sleeping; by default when one is due. */
  busyPoll?: number | undefined;
  /** Most bytes that packets may take, buffers of the packet path included. */
  packetMemory?: number | undefined;
  /** Where to serve metrics; nowhere without it. */
  metrics?: MetricsAddress | undefined;
  /** File with the token that clients of metrics over TCP show; without it one is made at each start. */
  metricsToken?: string | undefined;
  /** For tests: sessions are replaced after this many milliseconds instead of 120 s, never later. */
  rekeyAfterMs?: number | undefined;
  /** Where to serve a page about the tunnel; nowhere without it. */
  web?: WebAddress | undefined;
  log(level: "error" | "verbose", message: string): void;
  /** Called once there is a way to tell whether the log's descriptor has room for a line. */
  onLogRoom?(hasRoom: () => boolean): void;
}

const STDERR = 2;
/** As the paper has it. */
const REKEY_AFTER_MESSAGES = 1n << 60n;

/** The point from which on nothing new is opened but UDP sockets. @returns who removes the sockets in the end */
async function giveUpRights(
  libc: Libc,
  sockets: readonly string[],
  keyMemory: KeyMemory,
  { confinement, threads, log }: DaemonOptions,
): Promise<SocketRemover | undefined> {
  if (confinement === undefined) {
    recordStatus(currentStatus(libc, keyMemory), log);
    return undefined;
  }
  const user = findUser(confinement.user);
  if (isShared(user)) log("error", SHARED_USER_WARNING);
  const remover = startRemover(libc, sockets, log);
  keepUdpSockets(libc, threads ?? 1);
  try {
    recordStatus(
      confine(libc, user, confinement, keyMemory, (message) => log("error", message)),
      log,
    );
    return remover;
  } catch (error) {
    await remover?.remove();
    throw error;
  }
}

function startRemover(libc: Libc, sockets: readonly string[], log: DaemonOptions["log"]): SocketRemover | undefined {
  try {
    return new SocketRemover(libc, sockets);
  } catch (error) {
    log("error", `the socket will stay when the daemon ends: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function recordStatus(status: ConfinementStatus, log: DaemonOptions["log"]): void {
  recordConfinement(status);
  log("verbose", `confinement: ${describeConfinement(status)}`);
}

/** Runs until the signal, the loss of the socket or the loss of the interface. Rejects if it cannot start. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { interfaceName, tunFd, uapiFd, offloads, metrics, web, busyPoll, log } = options;
  if (!setNice(options.nice)) log("verbose", `the system refused priority ${options.nice}`);
  const core = await loadCore({}, "shared");
  const libc = await openLibc(core.memory);
  options.onLogRoom?.(() => hasRoom(libc, STDERR));
  const keyMemory = protectKeyMemory(libc, core.at, (address) => core.peersBelow(address));
  const unlockedKeys = new UnlockedKeys(keyMemory, log);
  const tunOptions = {
    vnetHeader: offloads.vnetHeader,
    tcpOffload: offloads.tunTcp,
    udpOffload: offloads.tunUdp,
  };
  const threads = options.threads ?? 1;
  if (tunFd !== undefined && threads > 1)
    log("error", "an inherited TUN device has one queue: working with one thread");
  const [tun, ...queues] =
    tunFd === undefined
      ? openQueues(libc, interfaceName, tunOptions, threads, log)
      : [adoptTun(libc, tunFd, tunOptions)];
  let workers: Workers | undefined;
  try {
    if (tunFd === undefined) applyLinkSettings(libc, tun, log);
    else applyLinkSettingsIfPossible(libc, tun, log);
    const path = socketPath(tun.name);
    const listener = uapiFd === undefined ? listenUnix(libc, path) : adoptUnix(libc, uapiFd, path);
    let remover: SocketRemover | undefined;
    try {
      const watch = new DeletionWatch(libc, path);
      if (queues.length > 0) workers = await startWorkers({ core, libc, queues, udp: offloads, busyPoll, log });
      const loop = new Loop({
        core: workers?.core ?? core,
        workers,
        libc,
        tun,
        listener,
        watch,
        udp: offloads,
        packetMemory: options.packetMemory,
        busyPoll,
        extraStatistics: confinementStatistics,
        peerCreated: ({ slot }) => unlockedKeys.peerCreated(slot),
        patienceMs: metrics === undefined && web === undefined ? undefined : METRICS_PATIENCE_MS,
        eventLog: options.logLevel === "verbose" ? await openEventLog(workers?.core ?? core, libc, log) : undefined,
        log,
      });
      const { rekeyAfterMs } = options;
      if (rekeyAfterMs !== undefined)
        (workers?.core ?? core).exports.setRekeyLimits(rekeyAfterMs, REKEY_AFTER_MESSAGES);
      const server = metrics && (await startMetrics(tun.name, metrics, options.metricsToken, loop));
      const page = web && (await startPage(tun.name, web, loop, libc));
      const files = [path, ...(server?.files ?? []), ...(page === undefined ? [] : [page.file])];
      remover = await giveUpRights(libc, files, keyMemory, options);
      log("verbose", `ready; FFI of ${libc.backend}, vnet header ${tun.vnetHeader ? "on" : "off"}`);
      options.onReady();
      // What the runtime took for reading the program: more than a megabyte, not needed again.
      libc.trimHeap();
      log("verbose", `ended: ${await loop.run(options.signal)}`);
      server?.close();
      page?.close();
      watch.close();
    } finally {
      await remover?.remove();
      listener.close();
    }
  } finally {
    await workers?.stop();
    for (const queue of [tun, ...queues]) queue.close();
  }
}

async function openEventLog(core: Core, libc: Libc, log: DaemonOptions["log"]): Promise<EventLog> {
  const { EventLog } = await import("../os/linux/event-log.ts");
  const { linuxZones } = await import("../os/linux/zones.ts");
  return new EventLog({ core, zones: linuxZones(libc), tell: (line) => log("verbose", line) });
}

/** An HTTP server takes 9 MiB and a tenth of a second: only for those who ask. @returns `files`: what is to go with it */
async function startMetrics(
  interfaceName: string,
  address: MetricsAddress,
  tokenFile: string | undefined,
  loop: Loop,
): Promise<{ files: string[]; close(): void }> {
  const { serveMetrics } = await import("../metrics/server.ts");
  const { metricsToken } = await import("../metrics/token.ts");
  const token = address.kind === "port" ? metricsToken(interfaceName, tokenFile) : undefined;
  const page = {
    contentType: PROMETHEUS_CONTENT_TYPE,
    text: () => [...prometheusLines(loop.statistics())].join(""),
  };
  try {
    const server = await serveMetrics(address, token, page);
    const close = (): void => {
      server.close();
      token?.close();
    };
    const files = [address.kind === "unix" ? address.path : token?.madeAt];
    return { close, files: files.filter((file) => file !== undefined) };
  } catch (error) {
    token?.close();
    throw error;
  }
}

async function startPage(interfaceName: string, address: WebAddress, loop: Loop, libc: Libc) {
  const { startWebPage } = await import("./web-page.ts");
  const { linuxZones } = await import("../os/linux/zones.ts");
  return startWebPage(interfaceName, address, loop.engine, linuxZones(libc));
}

/** Further threads cost nothing where there are none, not even their code. */
async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { Workers } = await import("../loop/threads/workers.ts");
  return Workers.start(options);
}
