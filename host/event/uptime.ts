/** The clock that counts sleep, as every runtime tells it: how long the machine has been running, which nobody can set. */
import { uptime } from "node:os";

interface DenoPermissions {
  readonly permissions: {
    querySync(descriptor: { name: "sys"; kind: "osUptime" }): { readonly state: string };
  };
}

/** @returns a function that tells milliseconds, in steps of a second perhaps; undefined where it may not be asked */
export function systemUptime(): (() => number) | undefined {
  // Deno would ask the user, and stop everything meanwhile.
  const { Deno: deno } = globalThis as { Deno?: DenoPermissions };
  if (deno !== undefined && deno.permissions.querySync({ name: "sys", kind: "osUptime" }).state !== "granted") {
    return undefined;
  }
  try {
    uptime();
  } catch {
    return undefined;
  }
  return () => uptime() * 1000;
}
