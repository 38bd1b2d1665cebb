import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SocketInUseError, SocketPathError } from "../../../../host/errors.ts";
import { EAGAIN } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { DeletionWatch } from "../../../../host/os/linux/inotify.ts";
import { RandomSource } from "../../../../host/os/linux/random.ts";
import { listenUnix } from "../../../../host/os/linux/unix-socket.ts";
import type { UnixConnection, UnixListener } from "../../../../host/os/unix-socket.ts";

let directory: string;
let path: string;
let libc: Libc;
let bytes: Uint8Array;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasmguard-io-"));
  path = join(directory, "run", "wg0.sock");
  libc = await openLibc(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }));
  bytes = new Uint8Array(libc.memory.buffer);
});
afterEach(() => rmSync(directory, { recursive: true }));

async function until<T>(poll: () => T | undefined): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const value = poll();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("nothing came");
}

async function pair(listener: UnixListener): Promise<[UnixConnection, Socket]> {
  const client = connect(listener.path!);
  return [await until(() => listener.accept()), client];
}

test("the socket is private, its directory is not", () => {
  const listener = listenUnix(libc, path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, "run")).mode & 0o777).toBe(0o755);
  expect(listener.accept()).toBeUndefined();
  listener.close();
  expect(existsSync(path)).toBe(false);
});

test("bytes go from linear memory to the client and back", async () => {
  const listener = listenUnix(libc, path);
  const [connection, client] = await pair(listener);
  expect(connection.read(4096, 100)).toBe(-EAGAIN);
  client.write("get=1\n\n");
  expect(await until(() => (connection.read(4096, 100) > 0 ? true : undefined))).toBe(true);
  expect(new TextDecoder().decode(bytes.slice(4096, 4103))).toBe("get=1\n\n");
  bytes.set(new TextEncoder().encode("errno=0\n\n"), 8192);
  expect(connection.write(8192, 9)).toBe(9);
  const answer = await new Promise<Buffer>((resolve) => client.once("data", resolve));
  expect(answer.toString()).toBe("errno=0\n\n");
  client.end();
  expect(await until(() => (connection.read(4096, 100) === 0 ? 0 : undefined))).toBe(0);
  connection.close();
  listener.close();
});

test("a client that does not read stops the writer, not the process", async () => {
  const listener = listenUnix(libc, path);
  const [connection, client] = await pair(listener);
  client.pause();
  let sent = 0;
  let result = 0;
  while (sent < 1 << 26 && result >= 0) {
    result = connection.write(4096, 131072);
    if (result > 0) sent += result;
  }
  expect(result).toBe(-EAGAIN);
  client.destroy();
  await until(() => (connection.write(4096, 10) < 0 && connection.write(4096, 10) !== -EAGAIN ? true : undefined));
  connection.close();
  listener.close();
});

test("a socket that a live process answers on is left alone", async () => {
  const first = listenUnix(libc, path);
  expect(() => listenUnix(libc, path)).toThrow(SocketInUseError);
  expect(existsSync(path)).toBe(true);
  first.close();
});

test("a socket that nobody answers on is replaced", async () => {
  const server = createServer().listen(path.replace("/run/", "/"));
  await new Promise((resolve) => server.once("listening", resolve));
  const left = path.replace("/run/", "/");
  renameSync(left, `${left}.kept`);
  await new Promise((resolve) => server.close(resolve));
  renameSync(`${left}.kept`, left);
  const listener = listenUnix(libc, left);
  const [connection, client] = await pair(listener);
  connection.close();
  client.destroy();
  listener.close();
});

test("a file that is no socket is not removed", () => {
  const file = join(directory, "precious.sock");
  writeFileSync(file, "data");
  expect(() => listenUnix(libc, file)).toThrow("EADDRINUSE");
  expect(existsSync(file)).toBe(true);
});

test.each(["", "a\0b", `/${"long/".repeat(30)}`])("the path %j is refused", (bad) => {
  expect(() => listenUnix(libc, bad)).toThrow(SocketPathError);
});

test("the watch tells when the socket is removed, even by another one of its name", () => {
  const listener = listenUnix(libc, path);
  const watch = new DeletionWatch(libc, path);
  writeFileSync(`${path}.other`, "");
  rmSync(`${path}.other`);
  expect(watch.isGone()).toBe(false);
  rmSync(path);
  const second = listenUnix(libc, path);
  expect(watch.isGone()).toBe(true);
  watch.close();
  second.close();
  listener.close();
});

test("the watch tells when the whole directory goes", () => {
  const listener = listenUnix(libc, path);
  const watch = new DeletionWatch(libc, path);
  rmSync(join(directory, "run"), { recursive: true });
  expect(watch.isGone()).toBe(true);
  watch.close();
  listener.close();
});

test("random bytes fill the range and nothing else", () => {
  bytes.fill(0, 0, 1024);
  new RandomSource(libc).fill(100, 500);
  expect(bytes.slice(0, 100).every((byte) => byte === 0)).toBe(true);
  expect(bytes.slice(600, 1024).every((byte) => byte === 0)).toBe(true);
  expect(new Set(bytes.slice(100, 600)).size).toBeGreaterThan(150);
});
