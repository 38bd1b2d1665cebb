/**
 * `wasmguard proxy` as nobody, without a capability, in a namespace whose only way inside is the tunnel; at the far end the kernel's own
 * TCP behind wasmguard's daemon and behind wireguard-go. A trap outside tells of anything that leaves beside the tunnel.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { describe, expect, it, type TestContext } from "vitest";
import { waitFor } from "./support/exec.ts";
import { type Implementation, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { FAR, ProxyBed } from "./support/proxy-bed.ts";
import { requireLab } from "./support/requirements.ts";

const WEB = `
import { createServer } from "node:http";
import { createHash } from "node:crypto";
createServer((request, response) => {
  if (request.method === "GET" && request.url.startsWith("/bytes/")) {
    let left = Number(request.url.slice(7));
    const chunk = Buffer.alloc(65536, 7);
    const more = () => {
      while (left > 0) {
        const piece = chunk.subarray(0, Math.min(left, chunk.length));
        left -= piece.length;
        if (!response.write(piece)) return void response.once("drain", more);
      }
      response.end();
    };
    return more();
  }
  const hash = createHash("sha256");
  let length = 0;
  request.on("data", (chunk) => { hash.update(chunk); length += chunk.length; });
  request.on("end", () => response.end(request.method + " " + request.url + " " + request.socket.remoteAddress + " " + length + " " + hash.digest("hex")));
}).listen(8080, "::");
`;
const ECHO = `
import { createServer } from "node:net";
createServer({ allowHalfOpen: true }, (socket) => {
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => { text += chunk; });
  socket.on("end", () => socket.end("got " + text));
}).listen(7777, "::");
`;
const CURL_S = "20";

async function open(ctx: TestContext, implementation: Implementation): Promise<ProxyBed> {
  requireLab(ctx, "curl", "dnsmasq", "dig", "socat", "setpriv");
  const bed = await ProxyBed.open(ctx, implementation);
  await bed.serveNames({ "web.internal": [FAR.ipv4, FAR.ipv6], "four.internal": [FAR.ipv4] });
  await bed.serve(8080, WEB);
  return bed;
}

describe.each([wasmguardOnNode, wireguardGo])("a proxy whose far end is $name", (implementation) => {
  it("brings curl inside by SOCKS5 and HTTP, both families, by address and by name", async (ctx) => {
    const bed = await open(ctx, implementation);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0", "--http", "0");
    const curl = (...args: string[]) =>
      bed.client.run(bed.command(["curl", "-sS", "--max-time", CURL_S, ...args]), { timeoutMs: 30_000 });
    const ways = [`socks5h://127.0.0.1:${proxy.port("SOCKS5")}`, `http://127.0.0.1:${proxy.port("http")}`];
    for (const way of ways) {
      for (const host of [FAR.ipv4, `[${FAR.ipv6}]`, "web.internal", "four.internal"]) {
        expect(await curl("-x", way, `http://${host}:8080/x`), `${way} ${host}`).toMatch(/^GET \/x .* 0 /);
      }
      expect(await curl("-x", way, "-p", `http://web.internal:8080/connect`)).toMatch(/^GET \/connect /);
    }
    const big = await bed.client.run(
      bed.command([
        "sh",
        "-c",
        `head -c 20000000 /dev/zero | curl -sS --max-time 60 -x ${ways[0]} -T - http://web.internal:8080/up`,
      ]),
      { timeoutMs: 70_000 },
    );
    expect(big).toContain(` 20000000 ${createHash("sha256").update(Buffer.alloc(20_000_000)).digest("hex")}`);
    const sizes = await curl(
      "-x",
      ways[1]!,
      "-o",
      "/dev/null",
      "-w",
      "%{size_download}",
      "http://web.internal:8080/bytes/50000000",
    );
    expect(sizes).toBe("50000000");
  }, 180_000);

  it("forwards TCP and UDP both ways, with half-close", async (ctx) => {
    const bed = await open(ctx, implementation);
    await bed.serve(7777, ECHO);
    const flags = ["-L", `0:web.internal:7777`, "-R", "9000:127.0.0.1:7070", "-U", `0:${FAR.ipv4}:53`];
    const proxy = await bed.proxy(bed.configuration, ...flags);
    const lines = proxy.output().split("\n");
    const [tcp, udp] = ["(TCP)", "(UDP)"].map(
      (kind) => lines.find((line) => line.startsWith("127.0.0.1:") && line.endsWith(kind))!,
    );
    const portOf = (line: string) => line.split(" ")[0]!.split(":")[1]!;
    const ask = ["sh", "-c", `printf hello | socat -t 10 - TCP:127.0.0.1:${portOf(tcp!)}`];
    expect(await bed.client.run(bed.command(ask))).toBe("got hello");
    const dig = ["dig", "+short", "+time=5", "@127.0.0.1", "-p", portOf(udp!), "four.internal", "A"];
    expect((await bed.client.run(bed.command(dig))).trim()).toBe(FAR.ipv4);
    bed.start(bed.client, ["socat", "TCP-LISTEN:7070,bind=127.0.0.1,fork", "SYSTEM:cat; echo seen"]);
    await waitFor(async () => (await bed.client.run(["ss", "-ltnH", "sport = :7070"])).trim() !== "", 10_000);
    const back = ["sh", "-c", "printf inward | socat -t 10 - TCP:203.0.113.1:9000"];
    expect(await bed.far.run(back)).toBe("inwardseen\n");
  }, 120_000);
});

describe("a proxy", () => {
  it("sends nothing outside but WireGuard, whatever is asked for", async (ctx) => {
    const bed = await open(ctx, wasmguardOnNode);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0", "--http", "0");
    const trap = bed.start(bed.far, ["tcpdump", "-i", "any", "-nn", "-l", "dst 198.51.100.2 and not udp port 51820"]);
    await waitFor(() => false, 1000);
    const curl = (...args: string[]) => bed.client.attempt(bed.command(["curl", "-sS", "--max-time", "8", ...args]));
    for (const way of [`socks5h://127.0.0.1:${proxy.port("SOCKS5")}`, `http://127.0.0.1:${proxy.port("http")}`]) {
      for (const url of [
        "http://nowhere.internal/",
        "http://198.51.100.2:81/",
        "http://localhost:81/",
        "http://127.0.0.1:81/",
      ]) {
        expect((await curl("-x", way, url)).stdout).not.toContain("GET");
      }
    }
    trap.kill("SIGINT");
    let seen = "";
    trap.stdout?.on("data", (text) => {
      seen += text;
    });
    await waitFor(() => trap.exitCode !== null, 15_000);
    expect(seen).not.toMatch(/198\.51\.100\.1/);
  }, 120_000);

  it("has no core dump, and nobody looks into it: it holds keys", async (ctx) => {
    const bed = await open(ctx, wasmguardOnNode);
    await bed.proxy(bed.configuration, "--socks", "0");
    const pid = bed.proxyPid();
    expect(readFileSync(`/proc/${pid}/limits`, "latin1")).toMatch(/^Max core file size +0 /m);
    // No other process of its user, which the owner of its memory shows.
    expect(statSync(`/proc/${pid}/mem`).uid).toBe(0);
  }, 60_000);

  it("outlives its far end, and ends in order when it is asked to", async (ctx) => {
    const bed = await open(ctx, wasmguardOnNode);
    await bed.serve(7777, ECHO);
    const proxy = await bed.proxy(bed.configuration, "-L", `0:${FAR.ipv4}:7777`, "--drain", "60");
    const port = Number(proxy.output().match(/^127\.0\.0\.1:(\d+)/m)![1]);
    const held = bed.start(bed.client, [
      "sh",
      "-c",
      `(printf one; sleep 6; printf two) | socat -t 60 - TCP:127.0.0.1:${port}`,
    ]);
    let text = "";
    held.stdout?.on("data", (chunk) => {
      text += chunk;
    });
    await waitFor(() => false, 1500);
    // The network goes away for a while, and comes back.
    await bed.far.ip("link", "set", bed.daemon.interface, "down");
    await waitFor(() => false, 2000);
    await bed.far.ip("link", "set", bed.daemon.interface, "up");
    await waitFor(() => false, 500);
    proxy.process.kill("SIGTERM");
    // The far end has lost its session: 15 s pass without an answer before a new one is asked for.
    expect(await waitFor(() => text === "got onetwo", 60_000)).toBe(true);
    expect(await waitFor(() => proxy.process.exitCode !== null, 20_000)).toBe(true);
    expect(proxy.process.exitCode).toBe(0);
  }, 120_000);
});
