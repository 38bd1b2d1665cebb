/**
 * A sandbox for everything that makes namespaces and daemons: the program starts itself again in mount, process and
 * network namespaces of its own. /run/wireguard, /run/netns and the directory for temporary files are private there,
 * nothing can leave the machine, and whatever is left behind goes with the sandbox, however it ends.
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { constants as system } from "node:os";
import { findProgram } from "../../test/e2e/support/requirements.ts";

const MARKER = "WASMGUARD_BENCH_SANDBOX";
const UNSHARE = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--net"];
const TOOLS = ["ip", "wg", "iperf3", "ping", "ss", "nsenter", "unshare", "ethtool"];
/** The shell stays as the first process: it reaps what daemons leave behind. */
const INSIDE = `mkdir -p /run/wireguard /run/netns &&
mount -t tmpfs -o mode=0755 tmpfs /run/wireguard && mount -t tmpfs -o mode=0755 tmpfs /run/netns &&
mount -t tmpfs -o mode=0755 tmpfs /mnt && export TMPDIR=/mnt || exit 1
trap 'kill "$child" 2>/dev/null; exit 130' INT TERM HUP
"$@" & child=$!
wait "$child"`;

/** Why measuring is impossible here; undefined when it isn't. */
export function obstacle(): string | undefined {
  if (process.platform !== "linux") return "this needs Linux";
  if (process.getuid?.() !== 0) return "this needs root, for network namespaces";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "there is no /dev/net/tun";
  }
  const missing = TOOLS.filter((tool) => findProgram(tool) === undefined);
  if (missing.length > 0) return `not installed: ${missing.join(", ")} (scripts/install-test-tools.sh)`;
  const { status, stderr } = spawnSync("unshare", [...UNSHARE, "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `cannot make namespaces: ${stderr.trim()}`;
}

export function isInside(): boolean {
  return process.env[MARKER] === "1";
}

/** Run this program again inside. @param limitMs it is ended by force after that time @returns its exit code */
export function enter(limitMs: number): Promise<number> {
  const argv = [...UNSHARE, "bash", "-c", INSIDE, "bash", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", argv, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, [MARKER]: "1", NODE_NO_WARNINGS: "1" },
  });
  // The end of `unshare` ends all processes inside.
  const end = () => child.kill("SIGKILL");
  const limit = setTimeout(() => {
    console.error(`stopped after ${Math.round(limitMs / 1000)} s: it took too long`);
    end();
  }, limitMs);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      end();
      process.exit(128 + system.signals[signal]);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve(code ?? 1);
    });
  });
}
