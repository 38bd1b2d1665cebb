/** What a receive makes of what Windows hands back: the call that did not take place, and lengths that cannot be. */
import { describe, expect, it } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { pathInterface, writeEndpoint } from "../../../../host/core/records/path.ts";
import { ERROR, SOCKET } from "../../../../host/ffi/windows/constants.ts";
import { IN_PKTINFO, SOCKADDR_IN, VARIANT, WSACMSGHDR, WSAMSG } from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { Areas } from "../../../../host/os/windows/areas.ts";
import { Message } from "../../../../host/os/windows/message.ts";
import { ReceiveCall } from "../../../../host/os/windows/receive-call.ts";

const E_INVALIDARG = 0x80070057 | 0;
const IO_CONTROL = 4096;
const PATH = 64;
/** Of message.ts, where its control messages lie: behind the name, and all that another area follows. */
const CONTROL_BYTES = 128;

function makeAreas() {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const views = viewsOf(memory);
  const view = new DataView(memory.buffer);
  const wipe = (at: number, length: number) => views.bytes.fill(0, at, at + length);
  const core = { memory, view, views, at: { ioControl: IO_CONTROL }, wipe } as unknown as Core;
  return { memory, views, view, core, areas: new Areas(core) };
}

describe("WSARecvMsg by DispCallFunc", () => {
  const call = (outcome: number, result: number, error: number = ERROR.WSAEWOULDBLOCK) => {
    const { memory, view, areas } = makeAreas();
    const win = {
      memory,
      base: 0n,
      sockets: { WSAGetLastError: () => error },
      automation: {
        DispCallFunc: (...args: number[]) => {
          view.setInt32(args[7]! + VARIANT.value, result, true);
          return outcome;
        },
      },
    } as unknown as Win32;
    return new ReceiveCall(win, areas, 0).receive(1);
  };

  it("tells what it failed with", () => {
    expect(call(0, -1)).toBe(-ERROR.WSAEWOULDBLOCK);
  });

  it("failed, though its error is another's by now", () => {
    expect(call(0, -1, 0)).toBe(-ERROR.WSAEINVAL);
  });

  it("is no datagram when it did not take place, whatever the result before was", () => {
    expect(call(E_INVALIDARG, 0)).toBe(-ERROR.WSAEINVAL);
  });
});

it("control messages end where their area does, whatever length Windows tells", () => {
  const { view, views, core, areas } = makeAreas();
  const message = new Message(core, 0n, areas);
  const behind = areas.take(64);
  message.offer();
  const name = Number(view.getBigUint64(message.header + WSAMSG.name, true));
  const control = Number(view.getBigUint64(message.header + WSAMSG.control, true));
  expect(behind).toBe(control + CONTROL_BYTES);
  view.setUint16(name + SOCKADDR_IN.family, SOCKET.AF_INET, true);
  // One that fills the area; what follows looks like another one.
  view.setUint32(control + WSACMSGHDR.length, CONTROL_BYTES, true);
  view.setUint32(behind + WSACMSGHDR.length, WSACMSGHDR.BYTES + IN_PKTINFO.BYTES, true);
  view.setUint32(behind + WSACMSGHDR.level, SOCKET.IPPROTO_IP, true);
  view.setUint32(behind + WSACMSGHDR.type, SOCKET.IP_PKTINFO, true);
  view.setUint32(behind + WSACMSGHDR.BYTES + IN_PKTINFO.interface, 9, true);
  view.setUint32(message.header + WSAMSG.controlLength, 0xffff, true);
  writeEndpoint(views, PATH, { address: Uint8Array.of(192, 0, 2, 1), port: 1, scope: 0 });
  expect(message.describe(PATH)).toBe(0);
  expect(pathInterface(views, PATH)).toBe(0);
});
