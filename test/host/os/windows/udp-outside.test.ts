/** What a send makes of errors: between two calls the runtime may call Windows, too, and then the last error is none. */
import { expect, it } from "vitest";
import type { Core } from "../../../../host/core/core.ts";
import { viewsOf } from "../../../../host/core/records/memory.ts";
import { hasSource, writeEndpoint } from "../../../../host/core/records/path.ts";
import { fillTx, txPath } from "../../../../host/core/records/tx.ts";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { Areas } from "../../../../host/os/windows/areas.ts";
import type { Udp } from "../../../../host/os/windows/udp.ts";
import { UdpOutside } from "../../../../host/os/windows/udp-outside.ts";

const RECORD = 1024;
const BYTES = 148;

function send(result: number, error: number): { incidents: number; refused: boolean; sends: number } {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const views = viewsOf(memory);
  const core = {
    ...{ memory, views, view: new DataView(memory.buffer), at: { ioControl: 4096 } },
    wipe: () => undefined,
    tx: () => RECORD,
  } as unknown as Core;
  writeEndpoint(views, txPath(RECORD), { address: Uint8Array.of(192, 0, 2, 1), port: 1, scope: 0 });
  fillTx(views, RECORD, 0, BYTES, 0, 0);
  expect(hasSource(views, txPath(RECORD))).toBe(false);
  let sends = 0;
  const sockets = {
    WSASendMsg() {
      sends++;
      return result;
    },
    WSAGetLastError: () => error,
  };
  const win = { memory, base: 0n, sockets } as unknown as Win32;
  const udp = { sendingSocket: () => 1, segmentation: false } as unknown as Udp;
  const outside = new UdpOutside({ core, win, udp, areas: new Areas(core), log: () => undefined });
  const incidents = outside.send(1);
  return { incidents, refused: outside.refused(0), sends };
}

it.each([ERROR.WSAEWOULDBLOCK, 0])("error %i: the datagram counts as refused", (error) => {
  expect(send(-1, error)).toEqual({ incidents: 1, refused: true, sends: 1 });
});

it("one that was sent does not", () => {
  expect(send(0, 0)).toEqual({ incidents: 0, refused: false, sends: 1 });
});
