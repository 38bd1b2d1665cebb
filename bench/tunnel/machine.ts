/**
 * What the machine is, for the head of the tables.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as os from "node:os";
import type { TunnelResults } from "./results.ts";

const GIB = 2 ** 30;

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? os.type();
  } catch {
    return os.type();
  }
}

export function machine(): TunnelResults["machine"] {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / GIB),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    system: systemName(),
  };
}

/** Over one minute. */
export function loadAverage(): number {
  return Math.round(os.loadavg()[0]! * 100) / 100;
}

export function iperfVersion(): string {
  return spawnSync("iperf3", ["--version"], { encoding: "utf8" }).stdout?.split(" (")[0]?.trim() ?? "iperf3";
}
