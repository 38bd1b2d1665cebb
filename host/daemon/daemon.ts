/**
 * The long-running part of `wasmguard NAME`: TUN device, UDP sockets, UAPI socket and the engine between them.
 */

import { confinementStatistics } from "../confine/confinement-statistics.ts";
import { type ConfinementStatus, describeConfinement, recordConfinement } from "../confine/confinement-status.ts";
import type { ConfineOptions } from "../confine/linux.ts";
import { UnlockedKeys } from "../confine/unlocked-keys.ts";
import type { Core } from "../core/core.ts";
import { loadCore } from "../core/load.ts";
import type { EventLog } from "../loop/event-log.ts";
import { Loop } from "../loop/loop.ts";
import type { Workers, WorkersOptions } from "../loop/threads/workers.ts";
import type { MetricsAddress } from "../metrics/metrics-address.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusLines } from "../metrics/prometheus.ts";
import { type Statistic, single } from "../metrics/statistics.ts";
import type { DaemonSystem, DriverLibrary, Machine, Offloads } from "../os/machine.ts";
import { daemonSystem } from "../os/systems.ts";
import { socketPath } from "../uapi/socket-path.ts";
import type { WebAddress } from "./web-page.ts";
import type { Vectors } from "./wide-vectors.ts";

/** How quickly the event loop, which serves metrics and the page, must get its turn. */
const METRICS_PATIENCE_MS = 50;

export type LogLevel = "silent" | "error" | "verbose";

export interface DaemonOptions {
  /** What to give up once everything is open; undefined: nothing. */
  confinement?: ConfineOptions | undefined;
  interfaceName: string;
  /** An open TUN device that another program made; without it one is created. */
  tunFd?: number | undefined;
  /** Where the system names devices itself: a file that the name is written to. */
  nameFile?: string | undefined;
  /** wintun.dll, on Windows. */
  wintun?: DriverLibrary | undefined;
  /** A listening UAPI socket that another program made; without it one is created. */
  uapiFd?: number | undefined;
  logLevel: LogLevel;
  offloads: Offloads;
  /** Threads that carry packets; 1 by default. */
  threads?: number | undefined;
  /** Seal, open and shake hands with 256-bit vectors, where this runtime and this machine have them. */
  wideVectors?: boolean | undefined;
  /** The device exists and the socket answers. Called once. */
  onReady(): void;
  /** Aborted: end cleanly, remove the socket, resolve. */
  signal: AbortSignal;
  /** A descriptor: once it is at its end the daemon ends, as by the signal. */
  leash?: number | undefined;
  /** Who manages this daemon as a service is told when it is ready, and when it ends (sd_notify(3)). */
  service?: { readonly socket: number; readonly readyLines: string } | undefined;
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
const NARROW: Vectors = { bits: 128, handshakeBits: 128 };
/** As the paper has it. */
const REKEY_AFTER_MESSAGES = 1n << 60n;

function recordStatus(status: ConfinementStatus, log: DaemonOptions["log"]): void {
  recordConfinement(status);
  log("verbose", `confinement: ${describeConfinement(status)}`);
}

/**
 * Runs until the signal, the loss of the socket or the loss of the interface. Rejects if it cannot start.
 * @param on the system that this is by default
 */
export async function runDaemon(options: DaemonOptions, on?: DaemonSystem): Promise<void> {
  const { log } = options;
  const system = on ?? (await daemonSystem());
  if (!system.setPriority(options.nice)) log("verbose", `the system refused priority ${options.nice}`);
  const core = await loadCore({}, "shared");
  const machine = await system.open(core);
  options.onLogRoom?.(() => machine.hasRoom(STDERR));
  try {
    await runOn(machine, core, options);
  } finally {
    machine.close();
  }
}

async function runOn(machine: Machine, core: Core, options: DaemonOptions): Promise<void> {
  const { interfaceName, offloads, metrics, web, busyPoll, confinement, service, log } = options;
  const vectors: Vectors = options.wideVectors ? await widenVectors(core, machine, log) : NARROW;
  const unlockedKeys = new UnlockedKeys(machine.keyMemory, log);
  const threads = options.threads ?? 1;
  const device = machine.openDevice({
    name: interfaceName,
    inherited: options.tunFd,
    nameFile: options.nameFile,
    driver: options.wintun,
    offloads,
    threads,
    log,
  });
  const path = socketPath(device.name);
  let workers: Workers | undefined;
  try {
    try {
      machine.listen({ path, inherited: options.uapiFd, leash: options.leash, log });
      const parts = machine.threadParts();
      if (parts !== undefined)
        workers = await startWorkers({ ...parts, core, wideKernel: vectors.kernel, udp: offloads, busyPoll, log });
      const threadedCore = workers?.core ?? core;
      const loop = new Loop({
        core: threadedCore,
        workers,
        open: (events) => machine.openTunnel({ core: threadedCore, udp: offloads, companions: workers, events, log }),
        packetMemory: options.packetMemory,
        busyPoll,
        extraStatistics: () => [
          ...confinementStatistics(),
          ...vectorStatistics(vectors, workers),
          ...(workers === undefined ? [] : [helpStatistic(workers)]),
        ],
        peerCreated: ({ slot }) => unlockedKeys.peerCreated(slot),
        patienceMs: metrics === undefined && web === undefined ? undefined : METRICS_PATIENCE_MS,
        eventLog: options.logLevel === "verbose" ? await openEventLog(threadedCore, machine, log) : undefined,
        log,
      });
      const { rekeyAfterMs } = options;
      if (rekeyAfterMs !== undefined) threadedCore.exports.setRekeyLimits(rekeyAfterMs, REKEY_AFTER_MESSAGES);
      const server = metrics && (await startMetrics(device.name, metrics, options.metricsToken, loop));
      const page = web && (await startPage(device.name, web, loop, machine));
      const files = [path, ...(server?.files ?? []), ...(page?.file === undefined ? [] : [page.file])];
      recordStatus(await machine.giveUpRights({ confinement, files, threads, log }), log);
      log("verbose", `ready; FFI of ${machine.backend}, vnet header ${device.vnetHeader ? "on" : "off"}`);
      if (service !== undefined) tellService(machine, service.socket, service.readyLines, log);
      options.onReady();
      // What the runtime took for reading the program: more than a megabyte, not needed again.
      machine.trim();
      log("verbose", `ended: ${await loop.run(options.signal)}`);
      if (service !== undefined) tellService(machine, service.socket, "STOPPING=1", log);
      server?.close();
      page?.close();
    } finally {
      await machine.closeControl();
    }
  } finally {
    await workers?.stop();
  }
}

function tellService(machine: Machine, socket: number, lines: string, log: DaemonOptions["log"]): void {
  const refusal = machine.tellServiceManager?.(socket, lines);
  if (refusal !== undefined) log("error", `the service manager was not told: ${refusal.message}`);
}

async function openEventLog(core: Core, { zones }: Machine, log: DaemonOptions["log"]): Promise<EventLog> {
  const { EventLog } = await import("../loop/event-log.ts");
  return new EventLog({ core, zones, tell: (line) => log("verbose", line) });
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

async function startPage(interfaceName: string, address: WebAddress, loop: Loop, { zones }: Machine) {
  const { startWebPage } = await import("./web-page.ts");
  return startWebPage(interfaceName, address, loop.engine, zones);
}

async function widenVectors(core: Core, machine: Machine, log: DaemonOptions["log"]): Promise<Vectors> {
  const { widenVectors } = await import("./wide-vectors.ts");
  return widenVectors(core, machine, (message) => log("verbose", message));
}

/** For packets, those of the thread that has the narrowest. */
function vectorStatistics({ bits, handshakeBits }: Vectors, workers: Workers | undefined): Statistic[] {
  const packetBits = workers?.kernel === "own" ? 128 : bits;
  return [
    single(
      "wasmguard_vector_bits",
      "gauge",
      "Width of the vectors that packets are sealed and opened with.",
      packetBits,
    ),
    single(
      "wasmguard_handshake_vector_bits",
      "gauge",
      "Width of the vectors that handshakes are computed with.",
      handshakeBits,
    ),
  ];
}

function helpStatistic({ helpedMessages }: Workers): Statistic {
  return single(
    "wasmguard_helped_messages_total",
    "counter",
    "Messages that were sealed or opened by another thread than the one they came to.",
    helpedMessages,
  );
}

/** Further threads cost nothing where there are none, not even their code. */
async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { Workers } = await import("../loop/threads/workers.ts");
  return Workers.start(options);
}
