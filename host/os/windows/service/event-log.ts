/** The log of events: what a service has instead of a console. Its texts are found by the source of events that `install` registers. */
import { EVENT_LOG, HKEY_LOCAL_MACHINE, REGISTRY } from "../../../ffi/windows/constants.ts";
import type { ServiceCalls, Win32 } from "../../../ffi/windows/win32.ts";
import { WindowsError } from "../../../ffi/windows/windows-errors.ts";
import type { ServiceEvent } from "../../services.ts";
import { eventSourceKey, serviceName } from "./names.ts";

/** A program of Windows' own, whose messages 1 to 1000 are "%1": the text alone. */
const MESSAGES = "%SystemRoot%\\System32\\EventCreate.exe";
const MESSAGE = 1;
/** Windows takes up to 31,839 letters; a line of ours is shorter than this. */
const LETTERS_MAX = 4096;

const TYPES: Readonly<Record<ServiceEvent, number>> = {
  error: EVENT_LOG.EVENTLOG_ERROR_TYPE,
  warning: EVENT_LOG.EVENTLOG_WARNING_TYPE,
  information: EVENT_LOG.EVENTLOG_INFORMATION_TYPE,
};

/** Where the values lie in the scratch buffer, behind the key's name. */
const VALUE_NAME_AT = 2048;
const VALUE_AT = 4096;

/** @throws WindowsError */
export function registerEventSource(win: Win32, calls: ServiceCalls, tunnel: string): void {
  const { bytes, view } = win.scratch;
  const set = (name: string, type: number, length: number): void => {
    const [key, value] = [win.text(eventSourceKey(tunnel)), win.text(name, VALUE_NAME_AT)];
    const at = win.scratch.at(VALUE_AT);
    const error = calls.RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, value, type, at, length);
    if (error !== 0) throw new WindowsError("RegSetKeyValueW", error, eventSourceKey(tunnel));
  };
  const messages = Buffer.from(`${MESSAGES}\0`, "utf16le");
  bytes.set(messages, VALUE_AT);
  set("EventMessageFile", REGISTRY.REG_EXPAND_SZ, messages.length);
  view.setUint32(
    VALUE_AT,
    Object.values(TYPES).reduce((all, type) => all | type),
    true,
  );
  set("TypesSupported", REGISTRY.REG_DWORD, 4);
}

/** Its events stay. */
export function removeEventSource(win: Win32, calls: ServiceCalls, tunnel: string): void {
  calls.RegDeleteTreeW(HKEY_LOCAL_MACHINE, win.text(eventSourceKey(tunnel)));
}

export class ServiceLog {
  readonly #win: Win32;
  readonly #calls: ServiceCalls;
  readonly #source: bigint;

  constructor(win: Win32, calls: ServiceCalls, tunnel: string) {
    this.#win = win;
    this.#calls = calls;
    this.#source = calls.RegisterEventSourceW(0n, win.text(serviceName(tunnel)));
  }

  /** As far as Windows takes it: nobody could be told that it does not. */
  write(event: ServiceEvent, message: string): void {
    if (this.#source === 0n) return;
    const { view, at } = this.#win.scratch;
    const text = this.#win.text(message.slice(0, LETTERS_MAX), VALUE_AT);
    view.setBigUint64(0, this.#win.base + BigInt(text), true);
    this.#calls.ReportEventW(this.#source, TYPES[event], 0, MESSAGE, 0n, 1, 0, at(0), 0n);
  }
}
