/**
 * Hears when addresses or routes of this machine change, and with them, perhaps, where peers are reached from. Windows tells it of IPv4 by an
 * event, and once: who wants to hear more asks again.
 */
import type { Address } from "../../core/core.ts";
import { ERROR, errorName } from "../../ffi/windows/constants.ts";
import { HANDLE_BYTES, OVERLAPPED } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { Log } from "../machine.ts";
import type { Areas } from "./areas.ts";
import type { WaitSet } from "./wait-set.ts";

const NEWS = [
  { of: "addresses", by: "NotifyAddrChange" },
  { of: "routes", by: "NotifyRouteChange" },
] as const;

export interface NetworkWatchOptions {
  readonly win: Win32;
  readonly areas: Areas;
  readonly waits: WaitSet;
  readonly log: Log;
  changed(): void;
}

export class NetworkWatch {
  readonly #win: Win32;
  /** Of what was asked for. */
  readonly #asked: Address[] = [];

  constructor({ win, areas, waits, log, changed }: NetworkWatchOptions) {
    this.#win = win;
    const view = new DataView(win.memory.buffer);
    for (const { of, by } of NEWS) {
      const handle = areas.take(HANDLE_BYTES);
      const overlapped = areas.take(OVERLAPPED.BYTES);
      const event = win.makeEvent();
      view.setBigInt64(overlapped + OVERLAPPED.event, BigInt(event), true);
      const error = win.network[by](handle, overlapped);
      if (error !== ERROR.ERROR_IO_PENDING) {
        log("verbose", `changes of ${of} are noticed late: ${by}: ${errorName(error)}`);
        continue;
      }
      this.#asked.push(overlapped);
      waits.add(event, () => {
        log("verbose", `${of} of this machine changed: sources are chosen anew`);
        win.network[by](handle, overlapped);
        changed();
      });
    }
  }

  close(): void {
    for (const overlapped of this.#asked) this.#win.network.CancelIPChangeNotify(overlapped);
  }
}
