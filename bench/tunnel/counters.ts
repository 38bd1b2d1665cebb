/**
 * What is read before and after each measurement: CPU time and memory of processes (/proc/PID/stat, status), the machine's
 * time (/proc/stat), and everything that counts lost packets.
 */
import { readFileSync } from "node:fs";
import { requestUapi } from "../../host/uapi/client.ts";
import type { Namespace } from "../../test/e2e/support/topology.ts";
import type { Bed, BedEnd } from "./bed.ts";
import type { Program } from "./programs.ts";
import type { Drops } from "./results.ts";

/** Linux counts CPU time for user space in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100;

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // ended
  }
}

/** Seconds of CPU of these processes with all their threads: user, system. */
export function cpuTime(pids: readonly number[]): { user: number; system: number; both: number } {
  let [user, system] = [0, 0];
  for (const pid of pids) {
    const text = readProcess(pid, "stat");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // from field 3 on, "state"
    user += Number(fields[11] ?? 0) / TICKS_PER_SECOND;
    system += Number(fields[12] ?? 0) / TICKS_PER_SECOND;
  }
  return { user, system, both: user + system };
}

/** Seconds of CPU of all child processes that have ended, with theirs. */
export function endedChildrenTime(): number {
  const text = readProcess(process.pid, "stat");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Bytes of memory of these processes. @param field VmRSS: now; VmHWM: at most since they started */
export function memory(pids: readonly number[], field: "VmRSS" | "VmHWM"): number {
  const pattern = new RegExp(`^${field}:\\s+(\\d+) kB`, "m");
  return pids.reduce((sum, pid) => sum + 1024 * Number(pattern.exec(readProcess(pid, "status"))?.[1] ?? 0), 0);
}

export interface MachineTime {
  readonly busy: number;
  readonly stolen: number;
  readonly all: number;
}

/** Seconds, summed over all cores. */
export function machineTime(): MachineTime {
  const [line] = readFileSync("/proc/stat", "latin1").split("\n", 1);
  const ticks = line!.trim().split(/\s+/).slice(1, 9).map(Number);
  const [user, nice, system, idle, wait, hard, soft, stolen] = ticks.map((value) => value / TICKS_PER_SECOND) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number, // biome-ignore format: one tuple
  ];
  const busy = user + nice + system + hard + soft;
  return { busy, stolen, all: busy + idle + wait + stolen };
}

export type LossCounters = Omit<Drops, "daemons"> & { readonly daemons: Readonly<Record<string, number>> };

/** Columns of /proc/net/dev after the name: 8 for received, then 8 for transmitted; the fourth of each is "drop". */
function interfaceDrops(text: string, device: string | undefined): { received: number; transmitted: number } {
  const line = text.split("\n").find((one) => one.trim().startsWith(`${device}:`));
  const fields = (line?.split(":")[1] ?? "").trim().split(/\s+/).map(Number);
  return { received: fields[3] ?? 0, transmitted: fields[11] ?? 0 };
}

/** A field of the "Udp:" lines of /proc/net/snmp: names, then values. */
function udpField(text: string, name: string): number {
  const [names, values] = text.split("\n").filter((line) => line.startsWith("Udp:"));
  const index = names?.split(" ").indexOf(name) ?? -1;
  return index < 0 ? 0 : Number(values!.split(" ")[index]);
}

/** Last column of the sockets bound to a port in /proc/net/udp and udp6. */
function socketDrops(text: string, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return rows.reduce((sum, fields) => sum + (fields[1]?.endsWith(suffix) ? Number(fields.at(-1)) : 0), 0);
}

function read(namespace: Namespace): Promise<string> {
  return namespace.run(["cat", "/proc/net/dev", "/proc/net/snmp", "/proc/net/udp", "/proc/net/udp6"]);
}

/** wasmguard's own counters of drops. */
async function daemonDrops(end: BedEnd): Promise<[string, number][]> {
  if (!end.daemon) return [];
  const answer = await requestUapi(end.daemon.interface, new TextEncoder().encode("statistics=1\n\n"));
  const lines = new TextDecoder().decode(answer).matchAll(/^wasmguard_dropped\S*\{reason="([^"]+)"\} (\d+)$/gm);
  return [...lines].map(([, reason, value]) => [reason!, Number(value)]);
}

export async function lossCounters(bed: Bed, kind: Program["kind"] | undefined): Promise<LossCounters> {
  const { near, far, link, port } = bed;
  const [nearText, farText] = await Promise.all([read(near.namespace), read(far.namespace)]);
  const daemons: Record<string, number> = {};
  if (kind === "ours") {
    for (const end of [near, far]) {
      for (const [reason, value] of await daemonDrops(end)) daemons[reason] = (daemons[reason] ?? 0) + value;
    }
  }
  const linkDrops = [nearText, farText].map((text) => interfaceDrops(text, link));
  return {
    nearTun: interfaceDrops(nearText, near.device).transmitted,
    nearSendBuffer: udpField(nearText, "SndbufErrors"),
    link: linkDrops.reduce((sum, { received, transmitted }) => sum + received + transmitted, 0),
    farSocket: socketDrops(farText, port),
    farTun: interfaceDrops(farText, far.device).received,
    farBufferErrors: udpField(farText, "RcvbufErrors"),
    daemons,
  };
}

/** What was lost between two readings; of the daemons only the reasons that moved. */
export function difference(before: LossCounters, after: LossCounters): Drops {
  const { daemons, ...rest } = after;
  const moved = Object.entries(daemons)
    .map(([reason, value]) => [reason, value - (before.daemons[reason] ?? 0)] as const)
    .filter(([, value]) => value !== 0);
  const names = Object.keys(rest) as (keyof typeof rest)[];
  const changes = names.map((name) => [name, rest[name] - before[name]]);
  return { ...(Object.fromEntries(changes) as typeof rest), daemons: Object.fromEntries(moved) };
}
