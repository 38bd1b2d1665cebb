/**
 * What a machine must offer. A test that cannot run here says why and is skipped; in CI, where everything is installed,
 * the same is a failure.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

const TOOLS = ["ip", "nsenter", "ss", "wg", "ping", "iperf3", "tcpdump"];

/** Skip, or fail in CI. Never returns. */
export function cannotRun(ctx: TestContext, reason: string): never {
  if (process.env.CI) throw new Error(`cannot run here, and CI allows no skip: ${reason}`);
  ctx.skip(reason);
}

/** Root, namespaces and the usual tools, plus those the test names. */
export function requireLab(ctx: TestContext, ...tools: string[]): void {
  const unavailable = process.env.WASMGUARD_E2E_UNAVAILABLE;
  if (unavailable) cannotRun(ctx, unavailable);
  if (process.getuid?.() !== 0) cannotRun(ctx, "not root");
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    cannotRun(ctx, "no /dev/net/tun");
  }
  const missing = [...TOOLS, ...tools].filter((tool) => findProgram(tool) === undefined);
  if (missing.length > 0) cannotRun(ctx, `not installed: ${missing.join(", ")} (scripts/install-test-tools.sh)`);
}

/** Path of a program as the shell would find it. */
export function findProgram(name: string): string | undefined {
  const directories = name.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there: try the next directory.
    }
  }
  return undefined;
}
