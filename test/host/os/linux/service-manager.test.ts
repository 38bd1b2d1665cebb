import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SOCKET } from "../../../../host/ffi/constants.ts";
import { SOCKADDR_UN } from "../../../../host/ffi/layout.ts";
import { check, type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { connectServiceManager, listenerAt, tellServiceManager } from "../../../../host/os/service-manager.ts";

let directory: string;
let libc: Libc;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasmguard-service-"));
  libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A manager at this address, "@" for NUL. @returns its socket */
function manager(address: string): number {
  const fd = check("socket", libc.socket(SOCKET.AF_UNIX, SOCKET.SOCK_DGRAM | SOCKET.SOCK_NONBLOCK, 0));
  const { bytes, view, at } = libc.scratch;
  view.setUint16(SOCKADDR_UN.family, SOCKET.AF_UNIX, true);
  libc.text(address.replace("@", "\0"), SOCKADDR_UN.path);
  check("bind", libc.bind(fd, at(0), SOCKADDR_UN.path + address.length));
  bytes.fill(0, 0, SOCKADDR_UN.BYTES);
  return fd;
}

function heard(fd: number): string {
  const length = check("read", libc.read(fd, libc.scratch.at(0), 1000));
  return new TextDecoder().decode(libc.scratch.bytes.slice(0, length));
}

test.each(["a path", "a name in the abstract namespace"])("it is told at %s", (where) => {
  const address = where === "a path" ? join(directory, "notify") : `@${directory}`;
  const listening = manager(address);
  const socket = connectServiceManager(libc, address);
  expect(tellServiceManager(libc, socket, "MAINPID=7\nREADY=1")).toBeUndefined();
  expect(tellServiceManager(libc, socket, "STOPPING=1")).toBeUndefined();
  expect(heard(listening)).toBe("MAINPID=7\nREADY=1");
  expect(heard(listening)).toBe("STOPPING=1");
  libc.close(socket);
  libc.close(listening);
});

test("where nobody is, or no socket can be, is told by name", () => {
  expect(() => connectServiceManager(libc, join(directory, "notify"))).toThrow(/^connect \S+notify: ENOENT$/);
  expect(() => connectServiceManager(libc, "@nobody")).toThrow("connect @nobody: ECONNREFUSED");
  expect(() => connectServiceManager(libc, "vsock:2:1234")).toThrow("connect vsock:2:1234: EAFNOSUPPORT");
  expect(() => connectServiceManager(libc, `/${"long/".repeat(100)}`)).toThrow(/: EINVAL$/);
});

test("one that does not listen is not waited for longer than a second", () => {
  const address = join(directory, "notify");
  const listening = manager(address);
  const socket = connectServiceManager(libc, address);
  // As many as its queue holds (net.unix.max_dgram_qlen).
  let refusal: Error | undefined;
  for (let told = 0; refusal === undefined && told < 100_000; told++) {
    refusal = tellServiceManager(libc, socket, "STATUS=waiting");
  }
  expect(refusal?.message).toBe("write NOTIFY_SOCKET: EAGAIN");
  libc.close(socket);
  libc.close(listening);
});

test("who listens at a tunnel's socket is known by its number", async () => {
  const path = join(directory, "wg0.sock");
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  expect(listenerAt(libc, path)).toBe(process.pid);
  await new Promise((resolve) => server.close(resolve));
  expect(() => listenerAt(libc, path)).toThrow(/: ENOENT$/);
});
