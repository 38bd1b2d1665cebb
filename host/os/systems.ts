/**
 * The systems that have a daemon: a folder and a line each. What else a system can do is in platform.ts, for those who only want to tell.
 */
import { PlatformError } from "../errors.ts";
import { machine, platform, systemName } from "../platform.ts";
import type { DaemonSystem } from "./machine.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<DaemonSystem>>> = {
  linux: async () => (await import("./linux/machine.ts")).linux,
};

function find(): () => Promise<DaemonSystem> {
  const system = Object.hasOwn(SYSTEMS, platform()) ? SYSTEMS[platform()] : undefined;
  if (system === undefined || machine() === undefined) throw new PlatformError(systemName());
  return system;
}

/** Before anything is loaded or asked for. @throws PlatformError */
export function requireDaemonSystem(): void {
  find();
}

/** @throws PlatformError */
export function daemonSystem(): Promise<DaemonSystem> {
  return find()();
}
