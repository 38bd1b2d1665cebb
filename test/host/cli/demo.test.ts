/** The demo in namespaces, also around wireguard-go: that it ends well, and that nothing of it is left however it ends. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { echoReply, echoRequest, isUdp, look, repliedSequence, udpPacket } from "../../../host/cli/demo/packets.ts";
import { privateRunObstacle } from "./private-run.ts";

const ENTRY = fileURLToPath(new URL("demo-entry.ts", import.meta.url));
const SANDBOX = fileURLToPath(new URL("demo-sandbox.sh", import.meta.url));
const DEMO = [process.execPath, ENTRY];
/** With this in its output the demo has begun: in namespaces with its pings, without them with everything. */
const MIDST = /answered|in this one process/;

interface Played {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @param interrupt called once in the midst of it; without one, its stdin has an end */
function play(command: string[], interrupt?: (demo: ChildProcess) => void): Promise<Played> {
  return new Promise((resolve) => {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { timeout: 60_000 });
    if (interrupt === undefined) child.stdin.end();
    child.stdin.on("error", () => {});
    const output = { stdout: "", stderr: "" };
    let interrupted = false;
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.stdout += text;
      if (interrupted || !MIDST.test(output.stdout)) return;
      interrupted = true;
      interrupt?.(child);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.stderr += text;
    });
    child.on("close", (code) => resolve({ code, ...output }));
  });
}

/** In namespaces of its own. @returns also what is left in them: namespaces, interfaces, sockets and processes of the demo */
async function playInSandbox(
  command: string[],
  { tidySeconds = 0, interrupt }: { tidySeconds?: number; interrupt?: (demo: ChildProcess) => void } = {},
): Promise<Played & { leftovers: string }> {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-cli-demo-"));
  try {
    const report = join(folder, "leftovers");
    const isolation = "--mount --propagation private --net --pid --fork --kill-child --mount-proc".split(" ");
    const script = [SANDBOX, report, `${tidySeconds}`];
    const played = await play(["unshare", ...isolation, ...script, ...command], interrupt);
    return { ...played, leftovers: readFileSync(report, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the demo in namespaces", { timeout: 60_000 }, () => {
  const obstacle = privateRunObstacle("ip", "wireguard-go");

  it.for([["--around", "wireguard-go", "-f"], ["demo"]])(
    "shows pings, a handshake and a transfer, with %j",
    async (args, context) => {
      if (obstacle) return context.skip(obstacle);
      const { code, stdout, stderr, leftovers } = await playInSandbox([...DEMO, ...args]);
      expect({ code, stderr, leftovers }).toEqual({ code: 0, stderr: "", leftovers: "" });
      expect(stdout.match(/-> \S+ +(5 of 5|10 of 10) answered/g)).toHaveLength(4);
      expect(stdout).toMatch(/latest handshake: /);
      expect(stdout.match(/[1-9]\d* Mbit\/s/g)).toHaveLength(2);
    },
  );

  it("leaves nothing when the daemon does not start", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stderr, leftovers } = await playInSandbox([...DEMO, "--around", "false"]);
    expect({ code, leftovers }).toEqual({ code: 1, leftovers: "" });
    expect(stderr).toMatch(/^the daemon wgdemo\w+: exit code 1\n$/);
  });

  it("leaves nothing when it is interrupted", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const { code, stdout, stderr, leftovers } = await playInSandbox([...DEMO, "--around", "wireguard-go", "-f"], {
      interrupt: (demo) => demo.stdin?.end("\n"),
    });
    expect({ code, stderr, leftovers }).toEqual({ code: 1, stderr: "interrupted\n", leftovers: "" });
    expect(stdout).toContain("Two daemons");
  });

  it("leaves nothing when the reader of its output leaves", async (context) => {
    if (obstacle) return context.skip(obstacle);
    const reader = ["sh", "-c", '"$@" 2>&1 | head -n 4', "sh", ...DEMO, "demo"];
    // The shell may wait for head alone.
    const { stdout, leftovers } = await playInSandbox(reader, { tidySeconds: 15 });
    expect(stdout).toContain("Two daemons");
    expect(leftovers).toBe("");
  });
});

describe("the demo without root", { timeout: 60_000 }, () => {
  /** The user "nobody". */
  const UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const asUser = process.getuid?.() === 0 ? UNPRIVILEGED : [];
  const reachable = spawnSync(asUser[0] ?? "env", [...asUser.slice(1), "ls", ENTRY]).status === 0;

  it("does the same in one process, and says why", async (context) => {
    if (!reachable) return context.skip("these files cannot be read without root");
    const { code, stdout, stderr } = await play([...asUser, ...DEMO, "demo"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^No TUN devices and namespaces, because this is not root\.\nThe same in this one process/);
    expect(stdout.match(/-> \S+ +5 of 5 answered/g)).toHaveLength(4);
    expect(stdout).toMatch(/latest handshake +\d{4}-/);
    expect(stdout.match(/[1-9]\d* Mbit\/s/g)).toHaveLength(2);
  });

  it("ends at once when it is interrupted", async (context) => {
    if (!reachable) return context.skip("these files cannot be read without root");
    const { code, stderr } = await play([...asUser, ...DEMO, "demo"], (demo) => demo.kill("SIGINT"));
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
