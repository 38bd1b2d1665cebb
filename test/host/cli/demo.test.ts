/** The demo in namespaces, also around wireguard-go: that it ends well, and that nothing of it is left however it ends. */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { echoReply, echoRequest, isUdp, look, repliedSequence, udpPacket } from "../../../host/cli/demo/packets.ts";
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
  before: string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const [program = "", ...rest] = [...before, process.execPath, ENTRY, ...args];
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
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

  it.for([["--around", "wireguard-go", "-f"], ["demo"]])(
    "shows pings, a handshake and a transfer, with %j",
    async (args, context) => {
      if (obstacle) return context.skip(obstacle);
      const { code, stdout, stderr } = await play(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.match(/-> \S+ +(5 of 5|10 of 10) answered/g)).toHaveLength(4);
      expect(stdout).toMatch(/latest handshake: /);
      expect(stdout.match(/[1-9]\d* Mbit\/s/g)).toHaveLength(2);
      expect(leftovers()).toEqual([]);
    },
  );

  it("leaves nothing when the daemon does not start", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stderr } = await play(["--around", "false"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^the daemon wgdemo\w+: exit code 1\n$/);
    expect(leftovers()).toEqual([]);
  });

  it("leaves nothing when it is interrupted", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stderr } = await play(["--around", "wireguard-go", "-f"], MIDST_MS);
    expect(stderr).toBe("interrupted\n");
    expect(code).toBe(1);
    expect(leftovers()).toEqual([]);
  });
});

it("leaves nothing when the reader of its output leaves", { timeout: 60_000 }, (context) => {
  const obstacle = privateRunObstacle("ip");
  if (obstacle) return context.skip(obstacle);
  const { stdout } = spawnSync("sh", ["-c", `"$0" "$1" demo 2>&1 | head -n 4`, process.execPath, ENTRY], {
    encoding: "utf8",
    timeout: 50_000,
  });
  expect(stdout).toContain("Two daemons");
  // The shell waits for head alone.
  return vi.waitFor(() => expect(leftovers()).toEqual([]), { timeout: 15_000, interval: 200 });
});

describe("the demo without root", { timeout: 60_000 }, () => {
  /** The user "nobody". */
  const UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const asUser = process.getuid?.() === 0 ? UNPRIVILEGED : [];
  const reachable = spawnSync(asUser[0] ?? "env", [...asUser.slice(1), "ls", ENTRY]).status === 0;

  it("does the same in one process, and says why", async (context) => {
    if (!reachable) return context.skip("these files cannot be read without root");
    const { code, stdout, stderr } = await play(["demo"], undefined, asUser);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^No TUN devices and namespaces, because this is not root\.\nThe same in this one process/);
    expect(stdout.match(/-> \S+ +5 of 5 answered/g)).toHaveLength(4);
    expect(stdout).toMatch(/latest handshake +\d{4}-/);
    expect(stdout.match(/[1-9]\d* Mbit\/s/g)).toHaveLength(2);
  });

  it("ends at once when it is interrupted", async (context) => {
    if (!reachable) return context.skip("these files cannot be read without root");
    const { code, stderr } = await play(["demo"], MIDST_MS, asUser);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "wasmguard: interrupted\n" });
  });
});

describe("packets of the demo", () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 8, maxLength: 8 }),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
  );
  const route = address.map((both) => ({
    from: both.slice(0, both.length / 2),
    to: both.slice(both.length / 2),
  }));

  /** RFC 1071, the plain way; 0 if the checksum within `bytes` is right. */
  function remainder(...parts: Uint8Array[]): number {
    const words = Buffer.concat(parts);
    let total = 0;
    for (let i = 0; i < words.length; i += 2) total += words.readUInt16BE(i);
    return total % 0xffff;
  }

  function checkSums(packet: Uint8Array): void {
    const { route: way, protocol, payload } = look(packet);
    if (way.from.length === 4) expect(remainder(packet.subarray(0, 20))).toBe(0);
    const pseudo = Buffer.concat([way.from, way.to, Buffer.from([0, protocol, payload.length >> 8, payload.length])]);
    expect(remainder(payload, protocol === 1 ? Buffer.alloc(0) : pseudo)).toBe(0);
  }

  it("have right checksums, and requests are answered to where they came from", () => {
    fc.assert(
      fc.property(route, fc.nat(0xffff), fc.integer({ min: 48, max: 1420 }), (way, sequence, length) => {
        const request = echoRequest(way, sequence);
        const reply = echoReply(request)!;
        const datagram = udpPacket(way, length - (length % 2));
        for (const packet of [request, reply, datagram]) checkSums(packet);
        expect(look(reply).route).toEqual({ from: way.to, to: way.from });
        expect(repliedSequence(reply)).toBe(sequence);
        expect(isUdp(datagram) && !isUdp(reply)).toBe(true);
        expect(echoReply(reply)).toBeUndefined();
      }),
    );
  });
});
