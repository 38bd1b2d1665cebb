/** How the proxy's process begins: once more, with a small young generation, and still the process that was started. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { nodeBackend } from "../../../../host/ffi/node.ts";
import { linuxLibrary } from "../../../../host/ffi/signatures.ts";
import { generatePrivateKey, publicKeyOf } from "../../../../host/index.ts";

const PROGRAM = fileURLToPath(new URL("../../../../bin/wasmguard.js", import.meta.url));
const hasFfi =
  process.platform === "linux" &&
  nodeBackend(linuxLibrary(process.arch === "x64" ? "x86_64" : "aarch64")) !== undefined;
const runs = hasFfi ? it : it.skip;

const base64 = (key: Uint8Array): string => Buffer.from(key).toString("base64");

async function configuration(): Promise<string> {
  const [ours, theirs] = [await generatePrivateKey(), await generatePrivateKey()];
  const peer = `[Peer]\nPublicKey = ${base64(await publicKeyOf(theirs))}\nAllowedIPs = 0.0.0.0/0\n`;
  return `[Interface]\nPrivateKey = ${base64(ours)}\nAddress = 10.0.0.1/32\n${peer}`;
}

function openedFile(text: string): number {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-start-"));
  const path = join(folder, "office.conf");
  writeFileSync(path, text, { mode: 0o600 });
  const fd = openSync(path, "r");
  onTestFinished(() => closeSync(fd));
  rmSync(folder, { recursive: true });
  return fd;
}

/** @param fd where the configuration comes from: a pipe as standard input, otherwise a file that is open there */
async function start(flags: readonly string[], fd = 0): Promise<ChildProcess> {
  const args = [...flags, PROGRAM, "proxy", fd === 0 ? "-" : `/dev/fd/${fd}`, "--remote", "80:127.0.0.1:80"];
  const text = await configuration();
  const between = Array.from({ length: Math.max(0, fd - 3) }, () => "ignore" as const);
  const file = fd === 0 ? [] : [openedFile(text)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit", ...between, ...file] });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin!.end(text);
  for await (const line of createInterface({ input: child.stdout! })) if (line === "ready") return child;
  throw new Error("the proxy ended");
}

/** Those that V8 takes sizes by. */
function flagsOf({ pid }: ChildProcess): string[] {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return words.filter((word) => /^--(max.semi.space|v8.pool).size/.test(word));
}

runs("keeps its process number, what it is given on standard input, and ends in order", async () => {
  const child = await start([]);
  expect(flagsOf(child)).toEqual(["--max-semi-space-size=2"]);
  expect(readFileSync(`/proc/${child.pid}/environ`, "utf8")).toContain("WASMGUARD_PROXY=1");
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

runs.each(["--max-semi-space-size=8", "--max_semi_space_size=8"])(
  "leaves a size that somebody has chosen: %s",
  async (flag) => {
    expect(flagsOf(await start([flag]))).toEqual([flag]);
  },
);

// Node marks what it inherits to be closed, up to descriptor 15.
runs.each([3, 5, 12, 15])("reads what was opened for it as descriptor %i", async (fd) => {
  expect(flagsOf(await start([], fd))).toHaveLength(1);
});

runs("gives back what only its start needed, as soon as nobody has come for a moment", async () => {
  const { pid } = await start([]);
  const status = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  expect(status("VmHWM")).toBeGreaterThan(55 * 1024);
  // A Node that does nothing has 41 MiB.
  await expect.poll(() => status("VmRSS"), { timeout: 20_000 }).toBeLessThan(40 * 1024);
});
