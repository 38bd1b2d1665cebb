/** `wasmguard proxy` under what a day brings: thousands of connections, a gigabyte, a far end that dies, a network that changes. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { ended, sleep, waitFor } from "./support/exec.ts";
import { wasmguardOnNode } from "./support/implementations.ts";
import { FAR, ProxyBed } from "./support/proxy-bed.ts";
import { REQUESTS } from "./support/proxy-clients.ts";
import { requireLab } from "./support/requirements.ts";

/** Numbered blocks, so that one that is lost, doubled or out of its place shows in the checksum, which /sum tells. */
const WEB = `
import { createServer } from "node:http";
import { createHash, randomBytes } from "node:crypto";
const block = randomBytes(1 << 16);
let last = "";
createServer((request, response) => {
  if (request.url === "/sum") return response.end(last);
  if (!request.url.startsWith("/bytes/")) return response.end(request.method + " " + request.url + " ");
  const hash = createHash("sha256");
  let left = Number(request.url.slice(7)), number = 0;
  const more = () => {
    while (left > 0) {
      const piece = Buffer.from(block.subarray(0, Math.min(left, block.length)));
      piece.writeUInt32BE(number++, 0);
      hash.update(piece);
      left -= piece.length;
      if (!response.write(piece)) return void response.once("drain", more);
    }
    last = hash.digest("hex");
    response.end();
  };
  more();
}).listen(8080, "::");
`;
/** Says back what it hears, line by line. */
const ECHO = `
import { createServer } from "node:net";
createServer((socket) => { socket.on("error", () => {}); socket.pipe(socket); }).listen(7777, "::");
`;
const GIGABYTE = 1_000_000_000;

async function open(ctx: TestContext): Promise<ProxyBed> {
  requireLab(ctx, "curl", "dnsmasq", "setpriv", "socat");
  const bed = await ProxyBed.open(ctx, wasmguardOnNode);
  await bed.serveNames({ "web.internal": [FAR.ipv4] });
  return bed;
}

/** @returns what gives all that has come */
function texts(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1024;

describe("a proxy", () => {
  it("answers 10,000 requests, 100 at a time, and keeps nothing of them", async (ctx) => {
    const bed = await open(ctx);
    await bed.serve(8080, WEB);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0", "--info", "0");
    const pid = bed.proxyPid();
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    const burst = (count: number) =>
      bed.runScript(REQUESTS, [`${proxy.port("SOCKS5")}`, `${count}`, "100", "web.internal", "8080"], 200_000);
    const idle = descriptors();
    expect((await burst(3000)).trim()).toBe("3000");
    const before = residentMiB(pid);
    expect((await burst(7000)).trim()).toBe("7000");
    // Fifteen kilobytes for each of them would be more. The runtime's heap grows by tens of MiB before it is looked through.
    expect(await waitFor(() => residentMiB(pid) - before < 100, 20_000)).toBe(true);
    expect(await waitFor(() => descriptors() <= idle + 2, 20_000)).toBe(true);
    const metrics = await bed.client.run(["curl", "-sS", `http://127.0.0.1:${proxy.port("metrics")}/metrics`]);
    expect(metrics).toMatch(/^connections_open=0$/m);
  }, 300_000);

  it("brings a gigabyte whole, though the far end is killed in the middle and started again", async (ctx) => {
    const bed = await open(ctx);
    await bed.serve(8080, WEB);
    const proxy = await bed.proxy(bed.configuration, "--http", "0", "--info", "0");
    const way = `http://127.0.0.1:${proxy.port("http")}`;
    const get = `curl -sS --max-time 400 -w '%{stderr}%{size_download}' -x ${way} http://web.internal:8080/bytes/${GIGABYTE}`;
    const transfer = bed.client.start(bed.command(["sh", "-c", `${get} | sha256sum`]));
    const [sum, count] = [transfer.stdout, transfer.stderr].map((stream) => texts(stream!));
    const received = async (): Promise<number> => {
      const metrics = await bed.client.run(["curl", "-sS", `http://127.0.0.1:${proxy.port("metrics")}/metrics`]);
      return Number(/^rx_bytes=(\d+)$/m.exec(metrics)![1]);
    };
    expect(await waitFor(async () => (await received()) > GIGABYTE / 10, 100_000)).toBe(true);
    expect(await received()).toBeLessThan(GIGABYTE);
    await bed.replaceFar();
    expect(await ended(transfer, 400_000)).toBe(true);
    expect(await waitFor(() => sum!().includes("\n") && count!() !== "", 10_000)).toBe(true);
    expect(count!()).toBe(String(GIGABYTE));
    const expected = await bed.client.run(["curl", "-sS", "-x", way, "http://web.internal:8080/sum"]);
    expect(sum!().split(" ")[0]).toBe(expected);
  }, 560_000);

  it("keeps its connections when the machine gets another address, and when it sleeps", async (ctx) => {
    const bed = await open(ctx);
    await bed.serve(7777, ECHO);
    const proxy = await bed.proxy(bed.configuration, "-L", `0:${FAR.ipv4}:7777`);
    const port = Number(proxy.output().match(/^127\.0\.0\.1:(\d+)/m)![1]);
    const [program, ...args] = bed.client.command(["socat", "-", `TCP:127.0.0.1:${port}`]);
    const held = spawn(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void held.kill("SIGKILL"));
    const heard = texts(held.stdout);
    const say = (line: string): void => void held.stdin.write(`${line}\n`);
    const answers = (line: string): Promise<boolean> => {
      say(line);
      return waitFor(() => heard().includes(`${line}\n`), 40_000);
    };
    expect(await answers("before")).toBe(true);
    const [link] = JSON.parse(await bed.client.run(["ip", "-j", "-4", "address", "show", "to", "198.51.100.1"]));
    await bed.client.ip("address", "del", "198.51.100.1/24", "dev", link.ifname);
    say("while there is no address");
    await bed.client.ip("address", "add", "198.51.100.7/24", "dev", link.ifname);
    expect(await answers("at another address")).toBe(true);
    expect(heard()).toContain("while there is no address\n");
    expect(await bed.daemon.wg("show", bed.daemon.interface, "endpoints")).toContain("198.51.100.7:");
    process.kill(bed.proxyPid(), "SIGSTOP");
    say("asleep");
    // Long enough for the far end to send it more than once.
    await sleep(3000);
    expect(heard()).not.toContain("asleep");
    process.kill(bed.proxyPid(), "SIGCONT");
    expect(await answers("awake")).toBe(true);
    expect(heard().trim().split("\n")).toEqual([
      "before",
      "while there is no address",
      "at another address",
      "asleep",
      "awake",
    ]);
  }, 150_000);
});
