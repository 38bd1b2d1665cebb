/** How programs that import the built package are started. */
import { type RuntimeName, runtimeCommand } from "../runtimes.ts";
import type { Contestant } from "./results.ts";

/** Command and first arguments. @throws Error when the runtime is not installed */
export function libraryCommand(runtime: RuntimeName, contestant?: Contestant): string[] {
  const command = runtimeCommand(runtime);
  if (runtime !== "deno") return command;
  const unstable = contestant === "unstable sockets" ? ["--unstable-net"] : [];
  // The package's dependencies are beside it, not in the package.json of the benchmarks.
  return [...command, "--node-modules-dir=manual", ...unstable];
}
