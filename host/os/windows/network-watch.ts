/**
 * Hears when addresses or routes of this machine change, and with them, perhaps, where peers are reached from. Windows tells of both families by
 * the call of a function on a thread of its own: that is SetEvent itself, with an event of ours as its argument. Where it cannot (Wine) it tells of IPv4
 * by an event, and once: who wants to hear more asks again.
 */
import type { Address } from "../../core/core.ts";
import { ERROR, errorName, SOCKET } from "../../ffi/windows/constants.ts";
import { HANDLE_BYTES, OVERLAPPED } from "../../ffi/windows/layout.ts";
import { NOTIFY_SIGNATURES } from "../../ffi/windows/signatures.ts";
import type { NotifyCalls, Win32 } from "../../ffi/windows/win32.ts";
import type { Log } from "../machine.ts";
import type { Areas } from "./areas.ts";
import type { WaitSet } from "./wait-set.ts";

const NEWS = [
  { of: "addresses", by: "NotifyUnicastIpAddressChange", once: "NotifyAddrChange" },
  { of: "routes", by: "NotifyRouteChange2", once: "NotifyRouteChange" },
] as const;

/** What is so already is no news. */
const NO_INITIAL_NOTIFICATION = 0;

export interface NetworkWatchOptions {
  readonly win: Win32;
  readonly areas: Areas;
  readonly waits: WaitSet;
  readonly log: Log;
  changed(): void;
}

export class NetworkWatch {
  readonly #options: NetworkWatchOptions;
  /** Each takes back what was asked for. */
  readonly #cancels: (() => void)[] = [];

  constructor(options: NetworkWatchOptions) {
    this.#options = options;
    const { win, log, changed } = options;
    const calls = notifyCalls(win);
    for (const { of, by, once } of NEWS) {
      const event = win.makeEvent();
      const told = (): void => {
        log("verbose", `${of} of this machine changed: sources are chosen anew`);
        changed();
      };
      if (calls === undefined || !this.#hear(calls, by, event, told)) this.#hearOfIpv4(of, once, event, told);
    }
  }

  /** @returns whether Windows tells */
  #hear(calls: NotifyCalls, by: (typeof NEWS)[number]["by"], event: number, told: () => void): boolean {
    const { win, areas, waits } = this.#options;
    const at = areas.take(HANDLE_BYTES);
    const call = win.addressOf("kernel32.dll", "SetEvent");
    const error = calls[by](SOCKET.AF_UNSPEC, call, BigInt(event), NO_INITIAL_NOTIFICATION, at);
    const notification = new DataView(win.memory.buffer).getBigUint64(at, true);
    if (error !== 0 || notification === 0n) return false;
    this.#cancels.push(() => calls.CancelMibChangeNotify2(notification));
    waits.add(event, told);
    return true;
  }

  #hearOfIpv4(of: string, by: (typeof NEWS)[number]["once"], event: number, told: () => void): void {
    const { win, areas, waits, log } = this.#options;
    const handle = areas.take(HANDLE_BYTES);
    const overlapped: Address = areas.take(OVERLAPPED.BYTES);
    new DataView(win.memory.buffer).setBigInt64(overlapped + OVERLAPPED.event, BigInt(event), true);
    const error = win.network[by](handle, overlapped);
    if (error !== ERROR.ERROR_IO_PENDING) {
      log("verbose", `changes of ${of} are noticed late: ${by}: ${errorName(error)}`);
      return;
    }
    this.#cancels.push(() => win.network.CancelIPChangeNotify(overlapped));
    waits.add(event, () => {
      win.network[by](handle, overlapped);
      told();
    });
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
  }
}

function notifyCalls(win: Win32): NotifyCalls | undefined {
  try {
    return win.system("iphlpapi.dll", NOTIFY_SIGNATURES);
  } catch {
    return undefined;
  }
}
