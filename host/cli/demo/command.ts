/**
 * `demo`: two tunnels talking to each other on this machine, by real devices where that is possible.
 */
import { accessSync, constants } from "node:fs";
import { hasOtherUsers } from "../../confine/user.ts";
import { openLibc } from "../../ffi/libc.ts";
import { hasNetworkNamespaces } from "../../platform.ts";
import { UsageError } from "../command-errors.ts";
import { selfCommand } from "../launch/command.ts";
import { hasProgram } from "../quick/shell.ts";
import { runToEnd } from "./processes.ts";

const TUN_DEVICE = "/dev/net/tun";
const PROBE_MS = 10_000;

/** Why there can be no real devices here; undefined when there can. */
async function deviceObstacle(): Promise<string | undefined> {
  if (!hasNetworkNamespaces()) return "this is not Linux";
  if (process.getuid?.() !== 0) return "this is not root";
  if (!hasOtherUsers()) return "root is the only user here, so that daemons cannot become another";
  if (!hasProgram("ip")) return "iproute2 (the program `ip') is not installed";
  try {
    accessSync(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch {
    return `${TUN_DEVICE} cannot be opened`;
  }
  const probe = `wasmguard-probe-${process.pid}`;
  const limits = { timeoutMs: PROBE_MS, signal: new AbortController().signal };
  try {
    await runToEnd(["ip", "netns", "add", probe], limits);
    await runToEnd(["ip", "netns", "delete", probe], limits);
  } catch {
    return "network namespaces cannot be made here";
  }
  try {
    await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Run with signals, and a reader who leaves, as an abort: everything is cleaned up. @returns the exit code */
async function interruptible(play: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  for (const signal of INTERRUPTIONS) process.on(signal, interrupt);
  process.stdout.on("error", interrupt);
  try {
    await play(interruption.signal);
    return 0;
  } finally {
    for (const signal of INTERRUPTIONS) process.off(signal, interrupt);
  }
}

async function play(signal: AbortSignal): Promise<void> {
  const obstacle = await deviceObstacle();
  if (obstacle === undefined) {
    const { runNamespaceDemo } = await import("./namespaces.ts");
    const self = selfCommand(["-f"]);
    return runNamespaceDemo([self.program, ...self.args], signal);
  }
  const { runPortableDemo } = await import("./portable.ts");
  process.stdout.write(`No TUN devices and namespaces, because ${obstacle.replace(/\.$/, "")}.\n`);
  process.stdout.write("The same in this one process instead: loopback UDP, and TUN devices in memory.\n");
  return runPortableDemo(signal);
}

export async function demo(args: readonly string[]): Promise<number> {
  if (args[0] === "--traffic") return (await import("./traffic.ts")).traffic(args.slice(1));
  if (args.length > 0) throw new UsageError("demo takes no arguments", "Try: wasmguard demo");
  return interruptible(play);
}
