/** Command line and environment to what the daemon is started with. The command line wins. */

import { isAbsolute, sep } from "node:path";
import type { ConfineOptions } from "../confine/linux.ts";
import { isStep, STEPS, type Step } from "../confine/steps.ts";
import { THREADS_MAX } from "../core/codes.ts";
import type { DaemonOptions, LogLevel } from "../daemon/daemon.ts";
import { type MetricsAddress, parseMetricsAddress } from "../metrics/metrics-address.ts";
import { systemNamesDevices, tunnelsHavePipes } from "../platform.ts";
import { SOCKET_FOLDER_VARIABLE } from "../uapi/socket-path.ts";
import { UsageError } from "./command-errors.ts";
import { checkInterfaceName } from "./interface-name.ts";
import type { Environment } from "./launch/environment.ts";
import type { DAEMON_OPTIONS, OptionValues, TEST_OPTIONS } from "./option-table.ts";
import { packageVersion } from "./version.ts";

/** What one start of the daemon asks for: its options, and how this process deals with it. */
export interface StartRequest extends Omit<DaemonOptions, "onReady" | "signal" | "log" | "onLogRoom"> {
  foreground: boolean;
  /** The log is wanted in the background too: LOG_LEVEL was given, and is not "silent". */
  keepsLog: boolean;
}

const LOG_LEVELS: Record<string, LogLevel> = {
  verbose: "verbose",
  debug: "verbose",
  error: "error",
  silent: "silent",
};

/** A value that LOG_LEVEL does not know means "error", as wireguard-go has it. */
export function logLevelOf(environment: Environment): LogLevel {
  const name = environment.LOG_LEVEL ?? "";
  return (Object.hasOwn(LOG_LEVELS, name) ? LOG_LEVELS[name] : undefined) ?? "error";
}

/** Descriptors up to this one have their own meaning. */
const STDERR = 2;
const DESCRIPTOR_MAX = 4095;

function descriptor(source: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value > STDERR && value <= DESCRIPTOR_MAX) return value;
  throw new UsageError(`${source} is not the number of an inherited descriptor: ${JSON.stringify(text)}`);
}

/** In the background the daemon works at the root of the file system. */
function wholePath(option: string, text: string | undefined): string | undefined {
  if (text === undefined || isAbsolute(text)) return text;
  const start = sep === "/" ? "a slash" : "a drive, as C:\\";
  throw new UsageError(`${option} is not a whole path: ${JSON.stringify(text)}`, `Start it with ${start}`);
}

/** What names a DLL must name one alone, whatever the current drive is, and none of another machine's. */
function drivePath(option: string, text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Za-z]:[\\/]/.test(text)) return text;
  throw new UsageError(`${option} is not a whole path: ${JSON.stringify(text)}`, "Start it with a drive, as C:\\");
}

const TOKEN_STEP =
  "Write a long random word into a file that only administrators can read, and name it: --metrics-token FILE";

/** Without a file of the user's, metrics have a token that is written beside the tunnel's socket: beside a pipe there is no room for files. */
function metricsAddress(text: string | undefined, token: string | undefined): MetricsAddress | undefined {
  if (text === undefined) return undefined;
  const address = parseMetricsAddress(text);
  if (!tunnelsHavePipes() || (address.kind === "port" && token !== undefined)) return address;
  throw new UsageError("--metrics on Windows takes a port of loopback, and --metrics-token", TOKEN_STEP);
}

/** Between interactive programs and the kernel's own threads. */
const DEFAULT_NICE = -10;

function niceValue(text: string | undefined): number {
  if (text === undefined) return DEFAULT_NICE;
  const value = /^-?\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= -20 && value <= 19) return value;
  throw new UsageError(`--nice is not a number from -20 to 19: ${JSON.stringify(text)}`);
}

function packetMemory(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const mebibytes = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (mebibytes >= 2 && mebibytes <= 1024) return mebibytes << 20;
  throw new UsageError(`--packet-memory is not a number from 2 to 1024: ${JSON.stringify(text)}`);
}

const BUSY_POLL_MAX = 10_000;
const PORT_MAX = 65_535;

function busyPoll(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const microseconds = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (microseconds <= BUSY_POLL_MAX) return microseconds;
  throw new UsageError(`--busy-poll is not a number from 0 to ${BUSY_POLL_MAX}: ${JSON.stringify(text)}`);
}

/** Names of steps, separated by commas. */
function stepsThatMayFail(text: string | undefined): Step[] {
  const names = text === undefined ? [] : text.split(",").map((name) => name.trim());
  return names.map((name) => {
    if (isStep(name)) return name;
    throw new UsageError(`--allow-unconfined knows no step ${JSON.stringify(name)}, only ${STEPS.join(", ")}`);
  });
}

function confinement(values: OptionValues<typeof DAEMON_OPTIONS>): ConfineOptions | undefined {
  const mayFail = stepsThatMayFail(values["allow-unconfined"]);
  if (values["no-confine"]) return undefined;
  return { user: values.user, socketRights: values["drop-socket-rights"] ? "drop" : "keep", mayFail };
}

function webAddress(text: string | undefined, token: string | undefined): StartRequest["web"] {
  if (text === undefined) return undefined;
  // The page's address is a secret, and has no place either.
  if (tunnelsHavePipes() && token === undefined)
    throw new UsageError("--web on Windows takes --metrics-token", TOKEN_STEP);
  const match = /^(?:(?:127\.0\.0\.1|(\[::1\])|localhost):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? Number.NaN);
  if (!(port >= 1 && port <= PORT_MAX)) {
    throw new UsageError(
      `--web is not a port of loopback: ${JSON.stringify(text)}`,
      "Write for example 127.0.0.1:9000",
    );
  }
  const tokenFile = tunnelsHavePipes() ? token : undefined;
  return { host: match?.[1] === undefined ? "127.0.0.1" : "::1", port, version: packageVersion() ?? "", tokenFile };
}

function threadCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const threads = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (threads >= 1 && threads <= THREADS_MAX) return threads;
  throw new UsageError(`--threads is not a number from 1 to ${THREADS_MAX}: ${JSON.stringify(text)}`);
}

/** The paper's REKEY_AFTER_TIME is the most. */
const REKEY_AFTER_MAX_MS = 120_000;

function rekeyAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (milliseconds > 0 && milliseconds <= REKEY_AFTER_MAX_MS) return milliseconds;
  throw new UsageError(`--rekey-after is not a number from 1 to ${REKEY_AFTER_MAX_MS}: ${JSON.stringify(text)}`);
}

/** @throws UsageError */
export function startRequest(
  operands: readonly string[],
  values: OptionValues<typeof DAEMON_OPTIONS & typeof TEST_OPTIONS>,
  environment: Environment,
): StartRequest {
  const [name, extra] = operands;
  if (name === undefined) throw new UsageError("no interface name", "Try: wasmguard wg0, or: wasmguard --help");
  if (extra !== undefined) {
    throw new UsageError(`${JSON.stringify(name)} is not a command, and an interface name stands alone`);
  }
  const interfaceName = checkInterfaceName(name);
  const metricsToken = wholePath("--metrics-token", values["metrics-token"]);
  const logLevel = logLevelOf(environment);
  wholePath("--socket-dir", values["socket-dir"]);
  wholePath(SOCKET_FOLDER_VARIABLE, environment[SOCKET_FOLDER_VARIABLE] || undefined);
  return {
    interfaceName,
    foreground: values.foreground === true || environment.WG_PROCESS_FOREGROUND === "1",
    tunFd: descriptor("--tun-fd", values["tun-fd"]) ?? descriptor("WG_TUN_FD", environment.WG_TUN_FD),
    wintun: {
      file: drivePath("--wintun", values.wintun),
      unsigned: values["allow-unsigned-wintun"] ? "taken" : "refused",
    },
    uapiFd: descriptor("--uapi-fd", values["uapi-fd"]) ?? descriptor("WG_UAPI_FD", environment.WG_UAPI_FD),
    nameFile: systemNamesDevices()
      ? wholePath("WG_TUN_NAME_FILE", environment.WG_TUN_NAME_FILE || undefined)
      : undefined,
    logLevel,
    nice: niceValue(values.nice),
    packetMemory: packetMemory(values["packet-memory"]),
    busyPoll: busyPoll(values["busy-poll"]),
    threads: threadCount(values.threads),
    wideVectors: values["wide-vectors"] === true,
    rekeyAfterMs: rekeyAfter(values["rekey-after"]),
    metrics: metricsAddress(values.metrics, metricsToken),
    metricsToken,
    web: webAddress(values.web, metricsToken),
    confinement: confinement(values),
    offloads: {
      vnetHeader: values["no-tun-offload"] !== true,
      tunTcp: values["no-tun-tcp"] !== true,
      tunUdp: values["no-tun-udp"] !== true,
      segmentation: values["no-udp-gso"] !== true,
      coalescing: values["no-udp-gro"] !== true,
    },
    keepsLog: Boolean(environment.LOG_LEVEL) && logLevel !== "silent",
  };
}
