/**
 * Puts the calling test file into a network namespace of its own: only the thread moves, and the
 * children it starts with it, so nothing has to be cleaned up. Needs root, and vitest's `forks` pool.
 */
import { execFileSync } from "node:child_process";
import { platform } from "../../host/platform.ts";

const CLONE_NEWNET = 0x40000000; // <linux/sched.h>

/** @returns undefined when it worked, or the reason why a test must be skipped */
export async function enterNetworkNamespace(): Promise<string | undefined> {
  if (platform() !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const ffi = process.getBuiltinModule("node:ffi");
  if (ffi === undefined) return "needs a Node with node:ffi";
  const { functions } = ffi.dlopen(null, { unshare: { arguments: ["i32"], return: "i32" } });
  if (functions.unshare(CLONE_NEWNET) !== 0) return "this sandbox forbids network namespaces";
  ip("link set lo up");
  return undefined;
}

/** Run iproute2 in the namespace. */
export function ip(args: string): string {
  return execFileSync("ip", args.split(" "), { encoding: "utf8" });
}
