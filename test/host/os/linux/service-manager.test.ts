import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SOCKET } from "../../../../host/ffi/constants.ts";
import { SOCKADDR_UN } from "../../../../host/ffi/layout.ts";
import { check, type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { connectServiceManager, listenerAt, tellServiceManager } from "../../../../host/os/service-manager.ts";

/** SO_PEERPIDFD came with Linux 6.5. */
const [major = 0, minor = 0] = release().split(".").map(Number);
const tellsOfPeers = major > 6 || (major === 6 && minor >= 5);

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

test("one that does not listen is waited for once, for a second", () => {
  const address = join(directory, "notify");
  const poll = vi.spyOn(libc, "poll");
  const listening = manager(address);
  const socket = connectServiceManager(libc, address);
  // As many as its queue holds (net.unix.max_dgram_qlen).
  let refusal: Error | undefined;
  for (let told = 0; refusal === undefined && told < 100_000; told++) {
    poll.mockClear();
    refusal = tellServiceManager(libc, socket, "STATUS=waiting");
  }
  expect(poll.mock.calls).toEqual([[expect.any(Number), 1, 1000]]);
  expect(refusal?.message).toBe("write NOTIFY_SOCKET: EAGAIN");
  libc.close(socket);
  libc.close(listening);
});

test("who listens at a tunnel's socket is known by its number", async () => {
  const path = join(directory, "wg0.sock");
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  expect(listenerAt(libc, path, "lives with its socket")).toBe(process.pid);
  const named = () => listenerAt(libc, path, "may have handed its socket on");
  if (tellsOfPeers) expect(named()).toBe(process.pid);
  else expect(named).toThrow(/: ENOPROTOOPT$/);
  await new Promise((resolve) => server.close(resolve));
  expect(() => listenerAt(libc, path, "lives with its socket")).toThrow(/: ENOENT$/);
});

test("a listener that has handed its socket on and ended is nobody, while its number is somebody's still", async () => {
  const path = join(directory, "wg0.sock");
  const handOn = `const server = require("node:net").createServer().listen(${JSON.stringify(path)}, () => {
    const stdio = ["ignore", "ignore", "ignore", server._handle.fd];
    console.log(require("node:child_process").spawn("sleep", ["60"], { stdio }).pid);
    process.exit();
  });`;
  // Its parent asks nobody how it ended, so its number is not free.
  const parent = spawn("sh", ["-c", `"$@" & exec sleep 60`, "sh", process.execPath, "-e", handOn], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const heir = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
  try {
    const listener = listenerAt(libc, path, "lives with its socket");
    const asked = (): unknown => {
      try {
        return listenerAt(libc, path, "may have handed its socket on");
      } catch (error) {
        return error;
      }
    };
    // With the last of its threads.
    const refusal = tellsOfPeers ? /: ESRCH$/ : /: ENOPROTOOPT$/;
    await expect.poll(() => String(asked()), { timeout: 10_000 }).toMatch(refusal);
    expect(libc.kill(listener, 0)).toBe(0);
  } finally {
    process.kill(heir);
    parent.kill();
  }
});
