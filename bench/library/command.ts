/** How programs that import the built package are started. */
import { type RuntimeName, runtimeCommand } from "../runtimes.ts";

/** Command and first arguments. @throws Error when the runtime is not installed */
export function libraryCommand(runtime: RuntimeName): string[] {
  const command = runtimeCommand(runtime);
  // The package's dependencies are beside it, not in the package.json of the benchmarks.
  return runtime === "deno" ? [...command, "--node-modules-dir=manual"] : command;
}
