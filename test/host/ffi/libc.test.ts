// What openLibc makes of the runtime it finds, and how results and errors come back.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SystemError } from "../../../host/errors.ts";
import { EBADF, ENOENT } from "../../../host/ffi/errno.ts";
import { check, openLibc } from "../../../host/ffi/libc.ts";
import { NULL } from "../../../host/ffi/posix.ts";
import { SCRATCH_BYTES } from "../../../host/ffi/scratch.ts";
import { findRuntime } from "../../support/runtimes.ts";

const script = fileURLToPath(new URL("support/open-libc.ts", import.meta.url));
const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });

function run(path: string, args: string[]): { stdout: string; stderr: string } {
  return spawnSync(path, [...args, script], { encoding: "utf8", timeout: 20_000 });
}

test("Node loads its FFI without a warning of its own", (ctx) => {
  const { path, reason } = findRuntime("node26");
  if (path === undefined) return ctx.skip(reason);
  expect(run(path, [])).toMatchObject({ stdout: '{"backend":"node"}\n', stderr: "" });
});

test("Node without built-in FFI uses koffi", (ctx) => {
  const { path, reason } = findRuntime("node26");
  if (path === undefined) return ctx.skip(reason);
  expect(run(path, ["--no-experimental-ffi"]).stdout).toBe('{"backend":"koffi"}\n');
});

const WITHOUT: ["node26" | "deno", string[]][] = [
  ["node26", ["--no-experimental-ffi", "--no-addons"]],
  ["node26", ["--permission", "--allow-fs-read=*"]],
  ["deno", ["run", "--quiet", "--no-lock", "--no-prompt"]],
];
for (const [name, args] of WITHOUT) {
  test(`${name} ${args.join(" ")} has no FFI: a typed error that names the next step`, (ctx) => {
    const { path, reason } = findRuntime(name);
    if (path === undefined) return ctx.skip(reason);
    const { stdout, stderr } = run(path, args);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ name: "FfiUnavailableError", code: "FFI_UNAVAILABLE" });
    expect(stdout).toMatch(/koffi.*--allow-ffi/);
  });
}

test("numbers of the packet path reach C as they are, also below zero and beyond two of its arguments", async () => {
  const shared = memory();
  const libc = await openLibc(shared);
  const [list, bytes] = [1024, 2048];
  const fd = libc.eventfd(7, 0);
  const view = new DataView(shared.buffer);
  view.setInt32(list, fd, true);
  view.setInt16(list + 4, 1, true); // POLLIN
  expect(libc.poll(list, 1, -1)).toBe(1);
  expect(libc.ppoll(list, 1, NULL)).toBe(1);
  expect(libc.read(-1, bytes, 8)).toBe(-EBADF);
  expect([libc.read(fd, bytes, 8), view.getBigUint64(bytes, true)]).toEqual([8, 7n]);
  expect(libc.recvmmsg(-1, bytes, 1, 0)).toBe(-EBADF);
  libc.close(fd);
});

test("a failed call returns the negated errno, and check makes it an error with name and subject", async () => {
  const libc = await openLibc(memory());
  expect(libc.close(-1)).toBe(-EBADF);
  const result = libc.open(libc.text("/nowhere"), 0, 0);
  expect(result).toBe(-ENOENT);
  expect(() => check("open", result, "/nowhere")).toThrow(new SystemError("open", ENOENT, "/nowhere"));
  expect(() => check("open", result, "/nowhere")).toThrow("open /nowhere: ENOENT");
  expect(check("open", 3)).toBe(3);
});

test("addresses are offsets in linear memory, which stays where it is when it grows", async () => {
  const shared = memory();
  const libc = await openLibc(shared);
  const fd = libc.open(libc.text("/proc/self/comm"), 0, 0);
  new Uint8Array(shared.buffer).fill(0xff);
  const n = libc.read(fd, 1000, 100);
  const bytes = new Uint8Array(shared.buffer);
  expect(n).toBeGreaterThan(0);
  expect([bytes[999], bytes[1000 + n - 1], bytes[1000 + n]]).toEqual([0xff, 10, 0xff]);
  libc.close(fd);
  shared.grow(1);
  expect((await openLibc(shared)).base).toBe(libc.base);
});

test("the scratch buffer ends names with NUL and cuts those that do not fit", async () => {
  const libc = await openLibc(memory());
  libc.scratch.bytes.fill(0xff);
  libc.text("wg0", 8);
  expect([...libc.scratch.bytes.subarray(7, 13)]).toEqual([0xff, 0x77, 0x67, 0x30, 0, 0xff]);
  libc.text("x".repeat(SCRATCH_BYTES + 10));
  expect(libc.scratch.bytes.at(-1)).toBe(0);
});
