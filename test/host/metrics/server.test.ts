/** Who gets an answer from the metrics server, and who loses a place for it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MetricsAddress } from "../../../host/metrics/metrics-address.ts";
import { serveMetrics } from "../../../host/metrics/server.ts";
import { type MetricsToken, metricsToken } from "../../../host/metrics/token.ts";

const SECRET = "0123456789abcdef-token";
const page = { contentType: "text/plain", text: () => "wasmguard_peers 1\n" };
let folder: string;
let closing: (() => void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-metrics-"));
  closing = [];
});
afterEach(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true });
});

function tokenOf(text: string): MetricsToken {
  const file = join(folder, "token");
  writeFileSync(file, text);
  return metricsToken("wg0", file);
}

/** A loopback port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function open(address: MetricsAddress, token?: MetricsToken): Promise<void> {
  const server = await serveMetrics(address, token, page);
  closing.push(() => server.close());
}

async function openPort(): Promise<number> {
  const port = await freePort();
  await open({ kind: "port", host: "127.0.0.1", port }, tokenOf(`${SECRET}\n`));
  return port;
}

function status(port: number, headers: Record<string, string>, method = "GET", path = "/metrics"): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, headers, method, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject).end();
  });
}

/** A connection that says nothing, or only this much. @returns the promise of its end */
async function silent(port: number, text = ""): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write(text);
  closing.push(() => socket.destroy());
  return { socket, closed };
}

const shown = { authorization: `Bearer ${SECRET}` };

test("over TCP the statistics are for those who show the token", async () => {
  const port = await openPort();
  expect(await status(port, shown)).toBe(200);
  expect(await status(port, shown, "HEAD", "/")).toBe(200);
  for (const authorization of ["", "Bearer", `Bearer ${SECRET}x`, `Bearer ${SECRET.slice(1)}`, `Basic ${SECRET}`]) {
    expect(await status(port, { authorization })).toBe(401);
  }
  expect(await status(port, {})).toBe(401);
});

test("a web page whose name points to this machine is turned away, token or not", async () => {
  const port = await openPort();
  for (const host of ["rebind.attacker.example", `rebind.attacker.example:${port}`, "127.0.0.1.attacker.example"]) {
    expect(await status(port, { ...shown, host })).toBe(421);
  }
  for (const host of ["localhost", `127.0.0.1:${port}`, `[::1]:${port}`]) {
    expect(await status(port, { ...shown, host })).toBe(200);
  }
});

test("sixty silent connections keep nobody from an answer", async () => {
  const port = await openPort();
  const first = await silent(port, "GET /metrics HT");
  for (let i = 0; i < 60; i++) await silent(port);
  expect(await status(port, shown)).toBe(200);
  await first.closed;
});

test("who asks now and then keeps the place before those who never asked", async () => {
  const port = await openPort();
  const { socket, closed } = await silent(port);
  let ended = false;
  void closed.then(() => {
    ended = true;
  });
  for (let i = 0; i < 4; i++) {
    const answered = new Promise((resolve) => socket.once("data", resolve));
    socket.write(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${SECRET}\r\n\r\n`);
    await answered;
    for (let j = 0; j < 10; j++) await silent(port);
  }
  expect(ended).toBe(false);
});

test("methods and paths that there are none of are told so", async () => {
  const port = await openPort();
  expect(await status(port, shown, "POST")).toBe(405);
  expect(await status(port, shown, "GET", "/other")).toBe(404);
});

test("a token that could be guessed, or is none, is refused", () => {
  for (const text of ["", "short", "with a space in the middle", "ключ-ключ-ключ-ключ"]) {
    expect(() => tokenOf(text)).toThrow(/token/);
  }
  expect(() => metricsToken("wg0", join(folder, "nowhere"))).toThrow(/cannot read/);
});

test("a unix socket is the owner's alone, and not taken from a process that answers there", async () => {
  const path = join(folder, "socket");
  await open({ kind: "unix", path });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(open({ kind: "unix", path })).rejects.toThrow(/cannot serve metrics/);
  expect(existsSync(path)).toBe(true);
});

test("a socket that a crash left is replaced", async () => {
  const path = join(folder, "socket");
  const script =
    "require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  spawnSync(process.execPath, ["-e", script, path]);
  expect(statSync(path).isSocket()).toBe(true);
  await open({ kind: "unix", path });
});

test("a file that is no socket is not removed for one", async () => {
  const path = join(folder, "file");
  writeFileSync(path, "precious");
  await expect(open({ kind: "unix", path })).rejects.toThrow(/cannot serve metrics/);
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("precious");
});
