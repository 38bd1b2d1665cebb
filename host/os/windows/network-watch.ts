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
import type { Instant } from "../../time/instant.ts";
import { Burst } from "../burst.ts";
import type { Log } from "../machine.ts";
import type { Areas } from "./areas.ts";
import type { WaitSet } from "./wait-set.ts";

const NEWS = [
  { of: "addresses", by: "NotifyUnicastIpAddressChange", once: "NotifyAddrChange" },
  { of: "routes", by: "NotifyRouteChange2", once: "NotifyRouteChange" },
] as const;

/** What is so already is no news. */
const NO_INITIAL_NOTIFICATION = 0;

interface Notifier {
  readonly calls: NotifyCalls;
  /** The address of what Windows is to call. */
  readonly setEvent: bigint;
}

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
  /** What changed and was not told yet. */
  readonly #news = new Set<string>();
  /** Of news: each has all peers and both route tables looked at. */
  readonly #burst = new Burst();

  constructor(options: NetworkWatchOptions) {
    this.#options = options;
    const { win } = options;
    const notifier = findNotifier(win);
    for (const { of, by, once } of NEWS) {
      const event = win.makeEvent();
      const heard = (): void => {
        this.#news.add(of);
        this.#burst.hear();
      };
      if (notifier === undefined || !this.#hear(notifier, by, event, heard)) this.#hearOfIpv4(of, once, event, heard);
    }
  }

  /** When to call `advance`; Infinity while there is no news. */
  nextDeadline(): Instant {
    return this.#burst.nextDeadline();
  }

  advance(now: Instant): void {
    if (!this.#burst.isDue(now)) return;
    const { log, changed } = this.#options;
    for (const of of this.#news) log("verbose", `${of} of this machine changed: sources are chosen anew`);
    this.#news.clear();
    changed();
  }

  /** @returns whether Windows tells */
  #hear(notifier: Notifier, by: (typeof NEWS)[number]["by"], event: number, heard: () => void): boolean {
    const { win, areas, waits } = this.#options;
    const { calls, setEvent } = notifier;
    const at = areas.take(HANDLE_BYTES);
    const error = calls[by](SOCKET.AF_UNSPEC, setEvent, BigInt(event), NO_INITIAL_NOTIFICATION, at);
    const notification = new DataView(win.memory.buffer).getBigUint64(at, true);
    if (error !== 0 || notification === 0n) return false;
    this.#cancels.push(() => calls.CancelMibChangeNotify2(notification));
    waits.add(event, heard);
    return true;
  }

  #hearOfIpv4(of: string, by: (typeof NEWS)[number]["once"], event: number, heard: () => void): void {
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
      heard();
    });
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
  }
}

function findNotifier(win: Win32): Notifier | undefined {
  try {
    const calls = win.system("iphlpapi.dll", NOTIFY_SIGNATURES);
    return { calls, setEvent: win.addressOf("kernel32.dll", "SetEvent") };
  } catch {
    return undefined;
  }
}
