/** Zig's C compiler, which has the headers of other systems and processors with it: what numbers are there is asked of it, not run. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  const asserts = [...expected].map(
    ([expression, value]) => `_Static_assert((long long)(${expression}) == ${value}LL, "is not ${value}");`,
  );
  return complaints(target, `${headers}\n${asserts.join("\n")}\n`, ["-w", "-S"]);
}

/** @returns what the compiler says of a program that is to have no fault */
export function faults(target: string, source: string): string[] {
  return complaints(target, source, ["-Wall", "-Werror", "-Wno-unused-command-line-argument", "-S"]);
}

/** Where PE/COFF has the size and the place of an object's first section, which is .text. */
const SECTION = { size: 20 + 16, at: 20 + 20 } as const;

/** @param target of Windows @returns the machine code of a text of assembler */
export function assembled(target: string, text: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-zig-"));
  try {
    const [source, object] = [join(directory, "code.s"), join(directory, "code.o")];
    writeFileSync(source, text);
    const { status, stderr, error } = compile(directory, ["-target", target, "-c", "-o", object, source]);
    if (error !== undefined || status !== 0) throw error ?? new Error(stderr);
    const bytes = readFileSync(object);
    const at = bytes.readUInt32LE(SECTION.at);
    return new Uint8Array(bytes.subarray(at, at + bytes.readUInt32LE(SECTION.size)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param directory for what it keeps between runs, which is not to be kept */
function compile(directory: string, options: readonly string[]) {
  const env = { PATH: process.env.PATH, ZIG_GLOBAL_CACHE_DIR: directory, ZIG_LOCAL_CACHE_DIR: directory };
  return spawnSync(ZIG, ["cc", ...options], { encoding: "utf8", env, timeout: 60_000 });
}

/** Names of what macOS's C library has, for linkers. */
export function darwinSymbols(): ReadonlySet<string> {
  const stubs = readFileSync(
    new URL("../../.runtimes/zig/ziglang/lib/libc/darwin/libSystem.tbd", import.meta.url),
    "utf8",
  );
  return new Set(stubs.match(/(?<=[\s',[])_\w+(?=[\s',\]])/g));
}

function complaints(target: string, text: string, options: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "wasmguard-zig-"));
  try {
    const source = join(directory, "probe.c");
    writeFileSync(source, text);
    const args = ["-target", target, ...options, "-ferror-limit=0", "-o", join(directory, "out"), source];
    const { status, stderr, error } = compile(directory, args);
    if (error !== undefined) throw error;
    const lines = stderr.split("\n").filter((line) => /error:/.test(line));
    return status === 0 && lines.length === 0 ? [] : [...lines, `exit code ${status}`];
  } finally {
    rmSync(directory, { recursive: true });
  }
}
