/** The Tun made of a descriptor. A pair of unix sockets that keep packets apart stands in for the interface. */
import fs, { closeSync, fstatSync, readSync, writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { runInNewContext } from "node:vm";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { DescriptorTun, type WasmguardError } from "../../../host/index.ts";

const AF_UNIX = 1; // <sys/socket.h>
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;

/** @returns the two ends */
function socketPair(mode: "blocking" | "non-blocking"): [number, number] {
  const { dlopen } = process.getBuiltinModule("node:ffi");
  const shape = { arguments: ["i32", "i32", "i32", "pointer"], return: "i32" } as const;
  const pair = Buffer.alloc(8);
  const type = SOCK_SEQPACKET | (mode === "blocking" ? 0 : SOCK_NONBLOCK);
  const result = dlopen(null, { socketpair: shape }).functions.socketpair(AF_UNIX, type, 0, pair);
  if (result !== 0) throw new Error("socketpair failed");
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** Give `fd` to the file of `from`: what was its own is closed. */
function moveDescriptor(from: number, fd: number): void {
  const { dlopen } = process.getBuiltinModule("node:ffi");
  const shape = { arguments: ["i32", "i32"], return: "i32" } as const;
  if (dlopen(null, { dup2: shape }).functions.dup2(from, fd) !== fd) throw new Error("dup2 failed");
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

/** Whether the descriptor is still that of the socket: another file may have its number by now. */
function isOpen(fd: number, inode: number): boolean {
  try {
    return fstatSync(fd).ino === inode;
  } catch {
    return false;
  }
}

describe("DescriptorTun", () => {
  it.each(["blocking", "non-blocking"] as const)("reads packet by packet from a %s descriptor", async (mode) => {
    const [near, far] = socketPair(mode);
    const inode = fstatSync(near).ino;
    const { tun, packets } = opened(near);
    const sent: number[][] = [];
    for (let i = 1; i <= 5; i++) {
      // Long enough apart for the pauses between looks to grow.
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
      for (const packet of [[i], [i, i], [i, i, i]]) {
        writeSync(far, Uint8Array.from(packet));
        sent.push(packet);
      }
      await expect.poll(() => packets.length, { interval: 1 }).toBe(sent.length);
    }
    expect(packets).toEqual(sent);
    tun.close();
    if (mode === "blocking") writeSync(far, Uint8Array.of(9)); // ends the read that waits in the pool
    await expect.poll(() => isOpen(near, inode)).toBe(false);
    expect(packets).toEqual(sent);
    closeSync(far);
  });

  it.each(["blocking", "non-blocking"] as const)(
    "leaves packets in a %s descriptor while it is paused",
    async (mode) => {
      const [near, far] = socketPair(mode);
      const { tun, packets } = opened(near);
      writeSync(far, Uint8Array.of(1));
      await expect.poll(() => packets.length, { interval: 1 }).toBe(1);
      // Whether the descriptor blocks is known by then.
      await new Promise((resolve) => setTimeout(resolve, 20));
      tun.pause();
      // The read that waits in the pool still takes one.
      for (const byte of [2, 3, 4]) writeSync(far, Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(packets).toEqual(mode === "blocking" ? [[1], [2]] : [[1]]);
      tun.resume();
      await expect.poll(() => packets, { interval: 1 }).toEqual([[1], [2], [3], [4]]);
      tun.close();
      closeSync(far);
    },
  );

  it("finds a descriptor empty by errors of another realm, too", async () => {
    const [near, far] = socketPair("non-blocking");
    const empty = runInNewContext("Object.assign(new Error('read'), { code: 'EAGAIN' })");
    const { readSync } = fs;
    const pool = vi.spyOn(fs, "read").mockImplementation(((...args: unknown[]) => {
      queueMicrotask(() => (args.at(-1) as (error: unknown) => void)(empty));
    }) as typeof fs.read);
    const looks = vi.spyOn(fs, "readSync").mockImplementation(((...args: Parameters<typeof readSync>) => {
      try {
        return readSync(...args);
      } catch {
        throw empty;
      }
    }) as typeof readSync);
    syncBuiltinESMExports();
    onTestFinished(() => {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    });
    const { tun, packets, failures } = opened(near);
    await expect.poll(() => looks.mock.calls.length, { interval: 1 }).toBeGreaterThan(0);
    writeSync(far, Uint8Array.of(1));
    await expect.poll(() => packets, { interval: 1 }).toEqual([[1]]);
    expect([pool.mock.calls.length, failures]).toEqual([1, []]);
    tun.close();
    closeSync(far);
  });

  it("writes packet by packet, and drops when there is no room", async () => {
    const [near, far] = socketPair("non-blocking");
    const { tun } = opened(near);
    expect([tun.write(Uint8Array.of(1, 2, 3)), tun.write(Uint8Array.of(4))]).toEqual([true, true]);
    const lengths = [1, 2].map(() => readSync(far, new Uint8Array(9), 0, 9, null));
    expect(lengths).toEqual([3, 1]);
    let count = 0;
    while (tun.write(new Uint8Array(1300)) && count < 10_000) count += 1;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(10_000);
    tun.close();
    expect(tun.write(Uint8Array.of(1))).toBe(false);
    closeSync(far);
  });

  it.each(["blocking", "non-blocking"] as const)(
    "once closed leaves a number that was of a %s descriptor to whoever has it then",
    async (mode) => {
      const [near, far] = socketPair(mode);
      const [theirs, others] = socketPair("non-blocking");
      const { close } = fs;
      let closes = 0;
      vi.spyOn(fs, "close").mockImplementation((fd, done) => {
        if (fd !== near) return close(fd, done);
        closes += 1;
        moveDescriptor(theirs, near);
      });
      syncBuiltinESMExports();
      onTestFinished(() => {
        vi.restoreAllMocks();
        syncBuiltinESMExports();
        for (const fd of [near, far, theirs, others]) closeSync(fd);
      });
      const { tun, packets, failures } = opened(near);
      const open = () => tun.open({ receive: (packet) => void packets.push([...packet]), failed() {} });
      const refused = expect.objectContaining({ code: "TUN" });
      tun.close();
      expect(open).toThrow(refused);
      if (mode === "blocking") writeSync(far, Uint8Array.of(9)); // ends the read that waits in the pool
      await expect.poll(() => closes, { interval: 1 }).toBe(1);
      expect(open).toThrow(refused);
      expect(tun.write(Uint8Array.of(1))).toBe(false);
      writeSync(others, Uint8Array.of(1, 2, 3));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect([packets, failures, closes]).toEqual([[], [], 1]);
      expect(readSync(near, new Uint8Array(9), 0, 9, null)).toBe(3);
    },
  );

  it("tells once that the far end is gone", async () => {
    const [near, far] = socketPair("non-blocking");
    const { tun, failures } = opened(near);
    closeSync(far);
    await expect.poll(() => failures.map((failure) => (failure as WasmguardError).message)).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: "TUN" });
    tun.close();
    expect(failures).toHaveLength(1);
  });
});
