/** The demo in namespaces, here around wireguard-go: that it ends well, and that nothing of it is left however it ends. */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { privateRunObstacle } from "./private-run.ts";

const ENTRY = fileURLToPath(new URL("demo-entry.ts", import.meta.url));
/** After this the demo is in the midst of its pings. */
const MIDST_MS = 2500;

/** Namespaces, interfaces, sockets and processes of demos. */
function leftovers(): string[] {
  const lines = (program: string, ...args: string[]): string[] =>
    spawnSync(program, args, { encoding: "utf8" }).stdout.split("\n");
  const sockets = spawnSync("ls", ["/var/run/wireguard"]).status === 0 ? readdirSync("/var/run/wireguard") : [];
  const all = [
    ...lines("ip", "netns", "list"),
    ...lines("ip", "-br", "link"),
    ...sockets,
    ...lines("ps", "-eo", "args"),
  ];
  return all.filter((line) => /wasmguard-[0-9a-f]{4}-[ab]|wgdemo[0-9a-f]{4}|wgveth[0-9a-f]{4}/.test(line));
}

function play(
  args: string[],
  interruptAfterMs?: number,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.stderr += text;
    });
    const timer = interruptAfterMs && setTimeout(() => child.kill("SIGINT"), interruptAfterMs);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
  });
}

describe("the demo in namespaces", { timeout: 60_000 }, () => {
  const obstacle = privateRunObstacle("ip", "wireguard-go");

  it("shows pings, a handshake and a transfer, and leaves nothing", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stdout, stderr } = await play(["wireguard-go", "-f"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/-> \S+ +(5 of 5|10 of 10) answered/g)).toHaveLength(4);
    expect(stdout).toMatch(/latest handshake: /);
    expect(stdout.match(/[1-9]\d* Mbit\/s/g)).toHaveLength(2);
    expect(leftovers()).toEqual([]);
  });

  it("leaves nothing when the daemon does not start", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stderr } = await play(["false"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^the daemon wgdemo\w+: exit code 1\n$/);
    expect(leftovers()).toEqual([]);
  });

  it("leaves nothing when it is interrupted", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stderr } = await play(["wireguard-go", "-f"], MIDST_MS);
    expect(stderr).toBe("interrupted\n");
    expect(code).toBe(1);
    expect(leftovers()).toEqual([]);
  });
});
