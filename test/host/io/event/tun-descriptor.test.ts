/** The Tun made of a descriptor: named pipes stand in for the device, one packet at a time. */
import { execFileSync } from "node:child_process";
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DescriptorTun, type WasmguardError } from "../../../../host/index.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "wasmguard-library-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** @returns the device's descriptor and the test's, of one pipe */
function pipe(flags: number): [number, number] {
  const path = join(directory, `pipe-${Math.random()}`);
  execFileSync("mkfifo", [path]);
  const far = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return [openSync(path, flags), far];
}

interface Opened {
  readonly tun: DescriptorTun;
  readonly packets: number[][];
  readonly failures: unknown[];
}

function opened(fd: number): Opened {
  const [packets, failures]: [number[][], unknown[]] = [[], []];
  const tun = new DescriptorTun(fd, { mtu: 1300 });
  tun.open({ receive: (packet) => void packets.push([...packet]), failed: (cause) => void failures.push(cause) });
  return { tun, packets, failures };
}

/** Whether the descriptor is still that of the pipe: another file may have its number by now. */
function isOpen(fd: number, inode: number): boolean {
  try {
    return fstatSync(fd).ino === inode;
  } catch {
    return false;
  }
}

describe("DescriptorTun", () => {
  const modes: [string, number][] = [
    ["blocks", constants.O_RDWR],
    ["does not block", constants.O_RDWR | constants.O_NONBLOCK],
  ];
  it.each(modes)("reads packet by packet from a descriptor that %s", async (_mode, flags) => {
    const [near, far] = pipe(flags);
    const inode = fstatSync(near).ino;
    const { tun, packets } = opened(near);
    for (let i = 1; i <= 5; i++) {
      // Long enough apart for the pauses between looks to grow.
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
      writeSync(far, Uint8Array.of(i, i));
      await expect.poll(() => packets.length, { interval: 1 }).toBe(i);
    }
    expect(packets).toEqual([1, 2, 3, 4, 5].map((byte) => [byte, byte]));
    tun.close();
    // Wakes the read that waits in the pool.
    if (isOpen(near, inode)) writeSync(far, Uint8Array.of(9));
    await expect.poll(() => isOpen(near, inode)).toBe(false);
    expect(packets).toHaveLength(5);
    closeSync(far);
  });

  it("writes packet by packet, and drops when there is no room", async () => {
    const [near, far] = pipe(constants.O_WRONLY | constants.O_NONBLOCK);
    const { tun } = opened(near);
    await expect.poll(() => tun.write(Uint8Array.of(1))).toBe(false); // it cannot be read, so it has failed
    closeSync(far);
    const [both, other] = pipe(constants.O_RDWR | constants.O_NONBLOCK);
    const second = new DescriptorTun(both);
    second.open({ receive: () => {}, failed: () => {} });
    expect(second.write(Uint8Array.of(1, 2, 3))).toBe(true);
    expect(readSync(other, new Uint8Array(9), 0, 9, null)).toBe(3);
    let count = 0;
    while (second.write(new Uint8Array(4096)) && count < 1000) count += 1;
    expect(count).toBeLessThan(1000);
    second.close();
    expect(second.write(Uint8Array.of(1))).toBe(false);
    closeSync(other);
  });

  it("tells once that the far end is gone", async () => {
    const [near, far] = pipe(constants.O_RDONLY | constants.O_NONBLOCK);
    const { failures } = opened(near);
    closeSync(far);
    await expect.poll(() => failures.length).toBe(1);
    expect((failures[0] as WasmguardError).code).toBe("TUN");
    expect((failures[0] as WasmguardError).message).toBe("the descriptor ended");
  });
});
