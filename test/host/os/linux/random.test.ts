/** Where random bytes come from when getrandom(2) is refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ENOSYS } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { RandomSource } from "../../../../host/os/linux/random.ts";

const folder = mkdtempSync(join(tmpdir(), "wasmguard-random-"));
afterAll(() => rmSync(folder, { recursive: true }));

const libc = await openLibc(new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true }));
const bytes = new Uint8Array(libc.memory.buffer);

/** The system without getrandom(2), and with something else at the path of the device. */
function without(device: string): Libc {
  const own = {
    getrandom: () => -ENOSYS,
    open: (_path: number, flags: number, mode: number) => libc.open(libc.text(device), flags, mode),
  };
  return new Proxy(libc, {
    get(target, name) {
      const value: unknown = name in own ? own[name as keyof typeof own] : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("the kernel's device is taken", () => {
  const source = new RandomSource(without("/dev/urandom"));
  bytes.fill(0, 1000, 2000);
  source.fill(1000, 500);
  source.close();
  expect(new Set(bytes.slice(1000, 1500)).size).toBeGreaterThan(150);
  expect(bytes.slice(1500, 2000).every((byte) => byte === 0)).toBe(true);
});

test.for(["file", "empty", "/dev/zero", "/dev/null"])("%s in its place is refused", (name) => {
  const path = join(folder, name);
  const device = name.startsWith("/") ? name : path;
  if (device === path) writeFileSync(path, name === "empty" ? "" : "not at all random".repeat(100));
  expect(() => new RandomSource(without(device))).toThrow(/\/dev\/urandom, which is not the kernel's device 1:9/);
});
