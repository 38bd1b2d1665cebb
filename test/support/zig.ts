/** Zig's C compiler, which has the headers of other systems and processors with it: what numbers are there is asked of it, not run. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ZIG = fileURLToPath(new URL("../../.runtimes/zig/ziglang/zig", import.meta.url));

/** Why there is none; undefined where there is. */
export function whyNoZig(): string | undefined {
  return existsSync(ZIG) ? undefined : `${ZIG} is missing: scripts/install-zig.sh installs it`;
}

/**
 * @param target   as "aarch64-macos"
 * @param headers  C, in front
 * @param expected C integer expressions, and what they are to be
 * @returns a line for each that is something else, and whatever else the compiler dislikes
 */
export function differences(target: string, headers: string, expected: ReadonlyMap<string, number>): string[] {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-zig-"));
  try {
    const source = join(directory, "probe.c");
    const asserts = [...expected].map(
      ([expression, value]) => `_Static_assert((long long)(${expression}) == ${value}LL, "is not ${value}");`,
    );
    writeFileSync(source, `${headers}\n${asserts.join("\n")}\n`);
    const env = { PATH: process.env.PATH, ZIG_GLOBAL_CACHE_DIR: directory, ZIG_LOCAL_CACHE_DIR: directory };
    const args = ["cc", "-target", target, "-w", "-ferror-limit=0", "-S", "-o", join(directory, "probe.s"), source];
    const { status, stderr, error } = spawnSync(ZIG, args, { encoding: "utf8", env, timeout: 60_000 });
    if (error !== undefined) throw error;
    const lines = stderr.split("\n").filter((line) => /error:/.test(line));
    return status === 0 && lines.length === 0 ? [] : [...lines, `exit code ${status}`];
  } finally {
    rmSync(directory, { recursive: true });
  }
}
