/** What a read of the ring makes of errors: between two calls the runtime may call Windows, too, and then the last error is another. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VNET_BYTES } from "../../../../host/core/codes.ts";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import type { Win32, WintunCalls } from "../../../../host/ffi/windows/win32.ts";
import { PLACE } from "../../../../host/os/machine.ts";
import { WindowsTunnel, type WindowsTunnelOptions } from "../../../../host/os/windows/tunnel.ts";
import { loadWintun, Wintun } from "../../../../host/os/windows/wintun.ts";
import { WintunInside } from "../../../../host/os/windows/wintun-inside.ts";

const AT = 4096;
const LENGTH_AT = 16;
const PACKET = 0x7ff0_0000n;
const PACKET_BYTES = 84;
/** What V8 left behind when it wanted pages at an address that was taken. */
const ERROR_INVALID_ADDRESS = 487;

/** One read of a ring that is empty, with this error, or that has a packet. */
function read(error: number | "a packet") {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  const win = {
    memory,
    base: 0n,
    lastError: error === "a packet" ? 0 : error,
    kernel: { RtlMoveMemory: () => undefined },
  } as unknown as Win32;
  const calls = {
    WintunGetReadWaitEvent: () => 1,
    WintunReceivePacket: () => {
      if (error !== "a packet") return 0n;
      view.setUint32(LENGTH_AT, PACKET_BYTES, true);
      return PACKET;
    },
    WintunReleaseReceivePacket: () => undefined,
  } as unknown as WintunCalls;
  const told: string[] = [];
  const inside = new WintunInside({
    core: { views: {} } as Core,
    device: new Wintun(win, calls, "wg0", 1n, 1n),
    base: 0n,
    lengthAt: LENGTH_AT,
    drained: () => told.push("drained"),
    gone: () => told.push("gone"),
  });
  return { length: inside.read(AT), told };
}

describe("a read of wintun's ring", () => {
  it("takes a packet", () => {
    expect(read("a packet")).toEqual({ length: PACKET_BYTES + VNET_BYTES, told: [] });
  });

  it.each([ERROR.ERROR_HANDLE_EOF, ERROR.ERROR_INVALID_DATA])("error %i: the interface is gone", (error) => {
    expect(read(error)).toEqual({ length: 0, told: ["drained", "gone"] });
  });

  it.each([ERROR.ERROR_NO_MORE_ITEMS, 0, ERROR_INVALID_ADDRESS, 1460])(
    "error %i: it is empty, and nothing is wrong with it",
    (error) => {
      expect(read(error)).toEqual({ length: 0, told: ["drained"] });
    },
  );
});

it.each(["wintun", "wintun.dll."])("a file %s is not looked at, for Windows would load another", (name) => {
  const folder = mkdtempSync(join(tmpdir(), "wintun-name-"));
  try {
    const file = join(folder, name);
    writeFileSync(file, "");
    const load = () => loadWintun({} as Win32, { driver: { file, unsigned: "taken" }, log: () => undefined });
    expect(load).toThrow(/ does not end in \.dll$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("a heartbeat looks into the ring again, for its end may have been taken for nothing", () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const views = viewsOf(memory);
  const view = new DataView(memory.buffer);
  const core = { memory, views, view, bytes: views.bytes, at: { ioControl: 4096 }, wipe: () => undefined };
  const win = { memory, base: 0n, makeEvent: () => 1, sockets: { WSAStartup: () => 0 } };
  const options = { core, win, device: { readable: 1 }, events: {}, pipes: [], log: () => undefined };
  const tunnel = new WindowsTunnel(options as unknown as WindowsTunnelOptions);
  expect(tunnel.waiting.ready(PLACE.tun)).toBe(false);
  tunnel.heartbeat(0);
  expect(tunnel.waiting.ready(PLACE.tun)).toBe(true);
});
