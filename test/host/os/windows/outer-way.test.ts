/** The way out of the tunnel as sockets have it, with a Windows that refuses: nothing is sent rather than into the tunnel. */
import { expect, it } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import { MIB_TABLE, MIB_IPFORWARD_ROW2 as ROW } from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { Areas } from "../../../../host/os/windows/areas.ts";
import { OuterWay } from "../../../../host/os/windows/outer-way.ts";
import { Udp } from "../../../../host/os/windows/udp.ts";

const TUNNEL = 0x35_0000_07_000000n;
const TABLE_AT = 4096;
const SOCKETS = { v4: 41, v6: 61, port: 51820 };
const TAKES_ALL = /^verbose IPv4: the tunnel takes the default route, datagrams leave by interface 3$/;

/** Default routes, by the LUIDs of their interfaces; 3 is the index of each. */
function bed() {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const views = viewsOf(memory);
  const core = {
    ...{ memory, views, view: new DataView(memory.buffer), bytes: views.bytes, at: { ioControl: 65_536 } },
    wipe: () => undefined,
  } as unknown as Core;
  const scratch = { bytes: views.bytes, view: core.view, at: (position: number) => position };
  const windows = { routes: [1n], tableError: 0, optionError: 0, options: [] as number[] };
  const win = {
    ...{ memory, scratch, base: 0n, makeEvent: () => 1 },
    kernel: {
      RtlMoveMemory: (to: bigint, from: bigint, length: bigint) =>
        views.bytes.copyWithin(Number(to), Number(from), Number(from + length)),
    },
    network: {
      GetIpForwardTable2(_family: number, at: number) {
        if (windows.tableError !== 0) return windows.tableError;
        views.bytes.fill(0, TABLE_AT, TABLE_AT + MIB_TABLE.rows + windows.routes.length * ROW.BYTES);
        core.view.setUint32(TABLE_AT + MIB_TABLE.count, windows.routes.length, true);
        for (const [i, by] of windows.routes.entries()) {
          const row = TABLE_AT + MIB_TABLE.rows + i * ROW.BYTES;
          core.view.setBigUint64(row + ROW.luid, by, true);
          core.view.setUint32(row + ROW.index, 3, true);
        }
        core.view.setBigUint64(at, BigInt(TABLE_AT), true);
        return 0;
      },
      FreeMibTable: () => undefined,
    },
    sockets: {
      WSAStartup: () => 0,
      WSAGetLastError: () => windows.optionError,
      setsockopt(socket: number, _level: number, _option: number, at: number) {
        if (windows.optionError !== 0) return -1;
        if (socket === SOCKETS.v4) windows.options.push(core.view.getUint32(at, false));
        return 0;
      },
      WSASocketW: () => SOCKETS.v4,
      bind: () => 0,
      WSAIoctl: () => 0,
      WSAEventSelect: () => 0,
      getsockname: () => 0,
      closesocket: () => 0,
    },
    ipHelper() {
      throw new Error("no such function");
    },
  } as unknown as Win32;
  const udp = new Udp({ core, win, areas: new Areas(core), drained: () => undefined, log: () => undefined });
  udp.replace(SOCKETS);
  const told: string[] = [];
  const log = (level: string, text: string) => void told.push(`${level} ${text}`);
  const way = new OuterWay({ core, win, device: { luid: TUNNEL }, udp, changed: () => undefined, log });
  /** What is told of IPv4, and whether there is a socket to send by. */
  const look = () => {
    told.length = 0;
    way.look();
    return { told: told.filter((line) => line.includes("IPv4")), sends: udp.sendingSocket(4) === SOCKETS.v4 };
  };
  return { windows, udp, look };
}

it("an interface that is refused is chosen again, and it is told once that nothing is sent until then", () => {
  const { windows, look } = bed();
  expect(look()).toEqual({ told: [], sends: true });
  windows.routes = [TUNNEL, 1n];
  windows.optionError = ERROR.WSAEINVAL;
  expect(look()).toEqual({
    told: [expect.stringMatching(/^error .*no interface can be chosen: WSAEINVAL/)],
    sends: false,
  });
  expect(look()).toEqual({ told: [], sends: false });
  windows.optionError = 0;
  expect(look()).toEqual({ told: [expect.stringMatching(TAKES_ALL)], sends: true });
  expect(windows.options).toEqual([3]);
});

it("nothing leaves by the interface before when the way back to all is refused", () => {
  const { windows, look } = bed();
  windows.routes = [TUNNEL, 1n];
  look();
  windows.routes = [1n];
  windows.optionError = ERROR.WSAEINVAL;
  expect(look()).toEqual({ told: [expect.stringMatching(/no interface can be chosen/)], sends: false });
  windows.optionError = 0;
  expect(look()).toEqual({ told: ["verbose IPv4: datagrams leave where routes lead"], sends: true });
  expect(windows.options).toEqual([3, 0]);
});

it("routes that cannot be read may lead into the tunnel: nothing is sent, until they can", () => {
  const { windows, look } = bed();
  windows.tableError = ERROR.ERROR_ACCESS_DENIED;
  expect(look()).toEqual({
    told: [expect.stringMatching(/^error .*routes cannot be seen: .*ACCESS_DENIED/)],
    sends: false,
  });
  expect(look()).toEqual({ told: [], sends: false });
  windows.tableError = 0;
  expect(look()).toEqual({ told: ["verbose IPv4: datagrams leave where routes lead"], sends: true });
});

it("the same for sockets that are opened later", () => {
  const { windows, udp, look } = bed();
  windows.routes = [TUNNEL, 1n];
  look();
  windows.optionError = ERROR.WSAEINVAL;
  udp.replace(udp.bind(0));
  expect(udp.sendingSocket(4)).toBe(-1);
  expect(look()).toEqual({ told: [expect.stringMatching(/no interface can be chosen/)], sends: false });
  windows.optionError = 0;
  expect(look()).toEqual({ told: [expect.stringMatching(TAKES_ALL)], sends: true });
});
