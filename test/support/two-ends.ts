/** Configurations of two ends of a tunnel over loopback, and programs that use them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { encodeKey, generatePrivateKey, publicKeyOf } from "../../host/library/device-keys.ts";
import type { RuntimeName } from "./runtimes.ts";

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Configurations of two ends that know each other. */
export async function configurations(): Promise<{ inside: string; outside: string }> {
  const folder = mkdtempSync(join(tmpdir(), "examples-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [near, far] = [generatePrivateKey(), generatePrivateKey()];
  const text = (key: Uint8Array): string => new TextDecoder().decode(encodeKey(key));
  const [nearPort, farPort] = [await freePort(), await freePort()];
  const write = (
    name: string,
    own: Uint8Array,
    address: string,
    listen: number,
    other: Uint8Array,
    peer: string,
    port: number,
  ): string => {
    const path = join(folder, name);
    const lines = [
      ...["[Interface]", `PrivateKey = ${text(own)}`, `Address = ${address}`, `ListenPort = ${listen}`],
      ...["[Peer]", `PublicKey = ${text(publicKeyOf(other))}`, `AllowedIPs = ${peer}`, `Endpoint = 127.0.0.1:${port}`],
    ];
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
    return path;
  };
  return {
    inside: write("inside.conf", near, "10.8.0.1/24", nearPort, far, "10.8.0.2/32", farPort),
    outside: write("outside.conf", far, "10.8.0.2/24", farPort, near, "10.8.0.1/32", nearPort),
  };
}

/** A program in a runtime; killed when the test is over. */
export function run(
  runtime: RuntimeName,
  path: string,
  ...args: string[]
): { process: ChildProcess; output: () => string } {
  const before = runtime === "deno" ? ["run", "--quiet", "--no-lock", "--allow-all"] : [];
  const child = spawn(path, [...before, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  return { process: child, output: () => output };
}
