/**
 * This process as a service. The service control manager wants a thread that waits for its requests (StartServiceCtrlDispatcherW) and calls two
 * functions of ours, on threads that are not the runtime's. So that thread is one of Windows' own, which begins in the dispatcher itself, the
 * functions are machine code that sets bytes, and this side looks at those.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ERROR, KERNEL, SERVICE } from "../../../ffi/windows/constants.ts";
import { SERVICE_STATUS, SERVICE_TABLE_ENTRY } from "../../../ffi/windows/layout.ts";
import type { CodeCalls, ServiceCalls, Win32 } from "../../../ffi/windows/win32.ts";
import { ServiceError, WindowsError } from "../../../ffi/windows/windows-errors.ts";
import { machine } from "../../../platform.ts";
import type { RunningService, ServiceEvent } from "../../services.ts";
import { ServiceLog } from "./event-log.ts";
import { MACHINE_CODE, placeCode } from "./machine-code.ts";
import { serviceName } from "./names.ts";

/** In the memory that this process and the manager's threads share, for as long as it lives. */
const AT = { controls: 256, started: 512, table: 528, status: 576, scratch: 608, name: 1024, code: 2048 } as const;
const PAGE_BYTES = 4096;
/** What a manager of services allows, before it gives a service up, and before it kills one that is to end. */
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 20_000;
const LOOK_AGAIN_MS = 50;
/** How often it is told that a start or an end goes on: within what it waits for the next step, and no more than it needs. */
const TELL_AGAIN_MS = 1000;
/** What may be asked of it from its first moment: a start waits for names, which may take long. */
const ACCEPTED = SERVICE.SERVICE_ACCEPT_STOP | SERVICE.SERVICE_ACCEPT_SHUTDOWN;
/** For one that failed; what it was is in the log. */
const FAILED = 1;

export class Dispatcher implements RunningService {
  readonly #stopped = new AbortController();
  readonly #win: Win32;
  readonly #calls: ServiceCalls;
  readonly #log: ServiceLog;
  readonly #controls: Uint8Array;
  readonly #handle: bigint;
  readonly #watch: NodeJS.Timeout;
  #state: "starting" | "running" | "ending" = "starting";
  /** How often it was told that a start or an end goes on: counted anew in each, and 0 when neither does. */
  #checkPoint = 0;
  #looks = 0;

  private constructor(win: Win32, calls: ServiceCalls, tunnel: string, handle: bigint) {
    this.#win = win;
    this.#calls = calls;
    this.#log = new ServiceLog(win, calls, tunnel);
    this.#handle = handle;
    this.#controls = new Uint8Array(win.memory.buffer, AT.controls, 256);
    this.#watch = setInterval(() => this.#look(), LOOK_AGAIN_MS);
    this.#goesOn();
  }

  /** @param win with memory that is for this alone @throws ServiceError where this process is no service, WindowsError */
  static async enter(win: Win32, calls: ServiceCalls, code: CodeCalls, tunnel: string): Promise<Dispatcher> {
    const started = new Uint8Array(win.memory.buffer, AT.started, 1);
    const { handler, main } = makeFunctions(win, code);
    const name = writeTable(win, serviceName(tunnel), main);
    const begin = win.addressOf("advapi32.dll", "StartServiceCtrlDispatcherW");
    const thread = win.checkHandle("CreateThread", code.CreateThread(0n, 0, begin, AT.table, 0, 0));
    const end = performance.now() + START_TIMEOUT_MS;
    while (Atomics.load(started, 0) === 0) {
      const hasEnded = exitCode(win, code, thread) !== KERNEL.STILL_ACTIVE;
      if (hasEnded || performance.now() > end) throw notAService(serviceName(tunnel));
      await delay(LOOK_AGAIN_MS);
    }
    const handle = calls.RegisterServiceCtrlHandlerExW(name, handler, win.base + BigInt(AT.controls));
    if (handle === 0n) throw new WindowsError("RegisterServiceCtrlHandlerExW", win.lastError, serviceName(tunnel));
    return new Dispatcher(win, calls, tunnel, handle);
  }

  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  #look(): void {
    if (++this.#looks % (TELL_AGAIN_MS / LOOK_AGAIN_MS) === 0) this.#goesOn();
    const asked = [SERVICE.SERVICE_CONTROL_STOP, SERVICE.SERVICE_CONTROL_SHUTDOWN].some(
      (control) => Atomics.load(this.#controls, control) !== 0,
    );
    if (!asked || this.signal.aborted) return;
    this.#state = "ending";
    this.#checkPoint = 0;
    this.#goesOn();
    this.#stopped.abort("the manager of services");
  }

  /** Of a state that does not last. */
  #goesOn(): void {
    if (this.#state === "running") return;
    this.#checkPoint++;
    if (this.#state === "starting")
      this.#tell(SERVICE.SERVICE_START_PENDING, { accepts: ACCEPTED, waitMs: START_TIMEOUT_MS });
    else this.#tell(SERVICE.SERVICE_STOP_PENDING, { waitMs: END_TIMEOUT_MS });
  }

  ready(): void {
    if (this.#state !== "starting") return;
    this.#state = "running";
    this.#checkPoint = 0;
    this.#tell(SERVICE.SERVICE_RUNNING, { accepts: ACCEPTED });
  }

  log(event: ServiceEvent, message: string): void {
    this.#log.write(event, message);
  }

  ended(outcome: "in order" | "failed"): void {
    clearInterval(this.#watch);
    this.#checkPoint = 0;
    this.#tell(SERVICE.SERVICE_STOPPED, { failure: outcome === "failed" ? FAILED : 0 });
  }

  #tell(state: number, { accepts = 0, failure = 0, waitMs = 0 }): void {
    const view = new DataView(this.#win.memory.buffer, AT.status, SERVICE_STATUS.BYTES);
    view.setUint32(SERVICE_STATUS.type, SERVICE.SERVICE_WIN32_OWN_PROCESS, true);
    view.setUint32(SERVICE_STATUS.state, state, true);
    view.setUint32(SERVICE_STATUS.accepts, accepts, true);
    view.setUint32(SERVICE_STATUS.exitCode, failure === 0 ? 0 : ERROR.ERROR_SERVICE_SPECIFIC_ERROR, true);
    view.setUint32(SERVICE_STATUS.specificExitCode, failure, true);
    view.setUint32(SERVICE_STATUS.checkPoint, this.#checkPoint, true);
    view.setUint32(SERVICE_STATUS.waitHint, waitMs, true);
    this.#calls.SetServiceStatus(this.#handle, AT.status);
  }
}

function notAService(name: string): ServiceError {
  const step =
    "Start it by: wasmguard service start NAME; Node must not be told anything by variables of the whole machine, as NODE_OPTIONS";
  return new ServiceError(name, "was not started by Windows' manager of services", step);
}

/** Written first, executable afterwards: never both. @returns machine addresses */
function makeFunctions(win: Win32, code: CodeCalls): { handler: bigint; main: bigint } {
  const { bytes, mainAt } = placeCode(MACHINE_CODE[machine() ?? "x86_64"], win.base + BigInt(AT.started));
  new Uint8Array(win.memory.buffer).set(bytes, AT.code);
  const page = code.VirtualAlloc(0n, PAGE_BYTES, KERNEL.MEM_COMMIT | KERNEL.MEM_RESERVE, KERNEL.PAGE_READWRITE);
  if (page === 0n) throw new WindowsError("VirtualAlloc", win.lastError);
  win.kernel.RtlMoveMemory(page, win.base + BigInt(AT.code), BigInt(bytes.length));
  if (code.VirtualProtect(page, PAGE_BYTES, KERNEL.PAGE_EXECUTE_READ, AT.scratch) === 0)
    throw new WindowsError("VirtualProtect", win.lastError);
  code.FlushInstructionCache(win.kernel.GetCurrentProcess(), page, bytes.length);
  return { handler: page, main: page + BigInt(mainAt) };
}

/** The one service of this process, and the end of the table. @returns where its name is */
function writeTable(win: Win32, name: string, main: bigint): number {
  const view = new DataView(win.memory.buffer);
  new Uint8Array(win.memory.buffer).set(Buffer.from(`${name}\0`, "utf16le"), AT.name);
  view.setBigUint64(AT.table + SERVICE_TABLE_ENTRY.name, win.base + BigInt(AT.name), true);
  view.setBigUint64(AT.table + SERVICE_TABLE_ENTRY.main, main, true);
  return AT.name;
}

function exitCode(win: Win32, code: CodeCalls, thread: number): number {
  code.GetExitCodeThread(thread, AT.scratch);
  return new DataView(win.memory.buffer).getUint32(AT.scratch, true);
}
