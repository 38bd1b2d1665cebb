/**
 * The systems that have a daemon: a folder and a line each. What else a system can do is in platform.ts, for those who only want to tell.
 */
import { PlatformError } from "../errors.ts";
import { machine, platform, systemName } from "../platform.ts";
import type { DaemonSystem } from "./machine.ts";
import type { Services } from "./services.ts";

/**
 * "anew": the runtime is started once more for the daemon, in a sandbox. "beside": in the background it is a process of its own; in the
 * foreground the process that was started is the daemon. "here": that one is the daemon, in the foreground always.
 */
export type DaemonStart = "anew" | "beside" | "here";

interface Entry {
  readonly starts: DaemonStart;
  readonly load: () => Promise<DaemonSystem>;
}

const SYSTEMS: Readonly<Record<string, Entry>> = {
  linux: { starts: "anew", load: async () => (await import("./linux/machine.ts")).linux },
  darwin: { starts: "beside", load: async () => (await import("./macos/machine.ts")).macos },
  win32: { starts: "here", load: async () => (await import("./windows/machine.ts")).windows },
};

function find(): Entry {
  const system = Object.hasOwn(SYSTEMS, platform()) ? SYSTEMS[platform()] : undefined;
  if (system === undefined || machine() === undefined) throw new PlatformError(systemName());
  return system;
}

/** Before anything is loaded or asked for: how a daemon starts on this system. @throws PlatformError */
export function daemonStart(): DaemonStart {
  return find().starts;
}

/** Tunnels as services. @returns undefined where the system's own manager runs daemons as they are @throws PlatformError */
export async function services(): Promise<Services | undefined> {
  return (await daemonSystem()).services?.();
}

/** @throws PlatformError */
export function daemonSystem(): Promise<DaemonSystem> {
  return find().load();
}
