/** How the proxy's process begins: once more, with a small young generation, and still the process that was started. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { nodeBackend } from "../../../../host/ffi/node.ts";
import { generatePrivateKey, publicKeyOf } from "../../../../host/index.ts";

const PROGRAM = fileURLToPath(new URL("../../../../bin/wasmguard.js", import.meta.url));
const hasFfi = process.platform === "linux" && nodeBackend(process.arch === "x64" ? "x86_64" : "aarch64") !== undefined;
const runs = hasFfi ? it : it.skip;

const base64 = (key: Uint8Array): string => Buffer.from(key).toString("base64");

async function configuration(): Promise<string> {
  const [ours, theirs] = [await generatePrivateKey(), await generatePrivateKey()];
  const peer = `[Peer]\nPublicKey = ${base64(await publicKeyOf(theirs))}\nAllowedIPs = 0.0.0.0/0\n`;
  return `[Interface]\nPrivateKey = ${base64(ours)}\nAddress = 10.0.0.1/32\n${peer}`;
}

async function start(flags: readonly string[]): Promise<ChildProcess> {
  const args = [...flags, PROGRAM, "proxy", "-", "--remote", "80:127.0.0.1:80"];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin!.end(await configuration());
  for await (const line of createInterface({ input: child.stdout! })) if (line === "ready") return child;
  throw new Error("the proxy ended");
}

function flagsOf({ pid }: ChildProcess): string[] {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return words.filter((word) => /^--max.semi.space.size/.test(word));
}

runs("keeps its process number, what it is given on standard input, and ends in order", async () => {
  const child = await start([]);
  expect(flagsOf(child)).toEqual(["--max-semi-space-size=1"]);
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
