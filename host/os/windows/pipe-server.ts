/**
 * The control pipe's server. Each instance of the pipe has a pair of areas for its client, and one operation at a time, which ends with its event:
 *
 *   connecting ──▶ reading ⇄ writing ──▶ draining ──▶ connecting        a client that has gone makes room for the next one
 *   connecting ──▶ broken ──▶ connecting                                what Windows refuses is tried again later
 *
 * One that is done is not sent away: Windows would forget what it has not read yet. What it still writes is not looked at.
 *
 * While an operation is under way, Windows reads or writes linear memory: areas are wiped after it has ended. Whether one is, the last error does
 * not tell for sure, for the runtime may have called Windows in between: the OVERLAPPED and CancelIoEx do.
 */
import type { Address } from "../../core/core.ts";
import { ERROR, errorName, KERNEL } from "../../ffi/windows/constants.ts";
import { OVERLAPPED } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { type Instant, NEVER } from "../../time/instant.ts";
import type { ConfigTarget } from "../../uapi/target.ts";
import type { UapiSession } from "../../uapi/uapi-session.ts";
import type { Area } from "../../uapi/writer.ts";
import { type ControlOptions, configTarget, inputArea, openSession } from "../control-session.ts";
import type { Areas } from "./areas.ts";
import type { WaitSet } from "./wait-set.ts";

/** Windows does not tell whether clients wait. While all instances are taken, so long may one be idle. */
const IDLE_MS = 2_000;
/** To wait for a client: as many may leave before they are looked at. */
const ATTEMPTS_MAX = 64;
/** Until a place for clients that is lost is tried again. */
const RETRY_MS = 5_000;

interface Instance {
  readonly index: number;
  readonly handle: number;
  readonly overlapped: Address;
  state: "connecting" | "reading" | "writing" | "draining" | "broken";
  /** Of a client; there is one while it reads or writes. */
  session: UapiSession | undefined;
  activeAt: Instant;
}

export interface PipeServerOptions extends ControlOptions {
  readonly win: Win32;
  readonly areas: Areas;
  readonly waits: WaitSet;
  /** Instances of the pipe, SESSIONS at most. They are the server's to close. */
  readonly handles: readonly number[];
  /** Somebody is about to read or change the configuration. */
  configuring(connection: "new" | "old"): void;
}

export class PipeServer {
  readonly #options: PipeServerOptions;
  readonly #win: Win32;
  readonly #view: DataView;
  readonly #target: ConfigTarget;
  readonly #instances: readonly Instance[];
  readonly #count: Address;
  /** When places that are lost are tried again; NEVER while there are none. */
  #retryAt: Instant = NEVER;

  constructor(options: PipeServerOptions) {
    const { win, areas, waits, handles } = options;
    this.#options = options;
    this.#win = win;
    this.#view = new DataView(win.memory.buffer);
    this.#target = configTarget(options);
    this.#count = areas.take(4);
    this.#instances = handles.map((handle, index) => {
      const overlapped = areas.take(OVERLAPPED.BYTES);
      const event = win.makeEvent();
      this.#view.setBigUint64(overlapped + OVERLAPPED.event, BigInt(event), true);
      const instance: Instance = { index, handle, overlapped, state: "connecting", session: undefined, activeAt: 0 };
      waits.add(event, () => this.#serve(instance));
      return instance;
    });
    for (const instance of this.#instances) this.#connect(instance);
  }

  /** When to call `advance`. */
  nextDeadline(): Instant {
    return Math.min(this.#retryAt, this.#idleDeadline());
  }

  /** When a client that is idle must make room. */
  #idleDeadline(): Instant {
    const places = this.#instances.filter(({ state }) => state !== "broken");
    if (places.some(({ session }) => session === undefined)) return NEVER;
    return Math.min(NEVER, ...places.map(({ activeAt }) => activeAt)) + IDLE_MS;
  }

  advance(now: Instant): void {
    if (now >= this.#retryAt) this.#retry();
    if (now >= this.#idleDeadline()) this.#makeRoom(now);
  }

  #retry(): void {
    this.#retryAt = NEVER;
    for (const instance of this.#instances) if (instance.state === "broken") this.#connect(instance);
  }

  /** Where nobody else could come. */
  #makeRoom(now: Instant): void {
    for (const instance of this.#instances) {
      if (instance.state === "broken" || now < instance.activeAt + IDLE_MS) continue;
      this.#options.log("verbose", "UAPI: dropped an idle client, for others may wait");
      this.#finish(instance);
      this.#release(instance);
      this.#connect(instance);
      return;
    }
  }

  /** Wait for a client, or take the one that is there already. */
  #connect(instance: Instance): void {
    const wasLost = instance.state === "broken";
    let error = 0;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      instance.state = "connecting";
      if (this.#win.kernel.ConnectNamedPipe(instance.handle, instance.overlapped) !== 0) return;
      error = this.#win.lastError;
      if (error === ERROR.ERROR_IO_PENDING) return;
      if (error === ERROR.ERROR_PIPE_CONNECTED) return this.#open(instance);
      this.#finish(instance);
      this.#win.kernel.DisconnectNamedPipe(instance.handle);
    }
    instance.state = "broken";
    this.#retryAt = performance.now() + RETRY_MS;
    if (!wasLost)
      this.#options.log("error", `UAPI: a place for clients is lost: ConnectNamedPipe: ${errorName(error)}`);
  }

  #open(instance: Instance): void {
    this.#options.configuring("new");
    instance.session = openSession(this.#options, this.#target, instance.index);
    this.#next(instance);
  }

  /** An operation has ended. */
  #serve(instance: Instance): void {
    const { handle, overlapped } = instance;
    // The event of an operation that was waited for in another place.
    if (this.#view.getUint32(overlapped + OVERLAPPED.status, true) === KERNEL.STATUS_PENDING) return;
    const ended = this.#win.kernel.GetOverlappedResult(handle, overlapped, this.#count, 0) !== 0;
    const bytes = ended ? this.#view.getUint32(this.#count, true) : 0;
    if (instance.state === "connecting") {
      if (ended) this.#open(instance);
      else this.#restart(instance);
      return;
    }
    const { session } = instance;
    if (session === undefined) return;
    if (!ended) return this.#restart(instance);
    if (instance.state === "draining") return this.#drain(instance);
    this.#options.configuring("old");
    if (instance.state === "writing") session.written(bytes);
    else session.received(bytes);
    this.#next(instance);
  }

  /** Write what waits, or read on. */
  #next(instance: Instance): void {
    const session = instance.session!;
    instance.activeAt = performance.now();
    const output = session.output();
    if (output.length > 0) return this.#begin(instance, "writing", output);
    const room = session.inputRoom();
    if (room.length > 0) this.#begin(instance, "reading", room);
    else this.#drain(instance);
  }

  /** Until the client goes. */
  #drain(instance: Instance): void {
    const { core } = this.#options;
    const area = inputArea(core, instance.index);
    core.wipe(area.address, area.length);
    this.#begin(instance, "draining", area);
  }

  #begin(instance: Instance, state: "writing" | "reading" | "draining", { address, length }: Area): void {
    instance.state = state;
    const { ReadFile, WriteFile } = this.#win.kernel;
    const call = state === "writing" ? WriteFile : ReadFile;
    if (call(instance.handle, address, length, 0, instance.overlapped) !== 0) return;
    if (this.#win.lastError === ERROR.ERROR_IO_PENDING) return;
    this.#finish(instance);
    this.#restart(instance);
  }

  #restart(instance: Instance): void {
    this.#release(instance);
    this.#connect(instance);
  }

  /** Let the client go. No operation is under way. */
  #release(instance: Instance): void {
    instance.session?.destroy();
    instance.session = undefined;
    this.#win.kernel.DisconnectNamedPipe(instance.handle);
  }

  /**
   * End what may be under way, and wait until Windows leaves linear memory alone. What failed at once is pending for ever by its OVERLAPPED: that
   * is waited for only if there was something to cancel.
   */
  #finish({ handle, overlapped, state }: Instance): void {
    if (state === "broken" || this.#win.kernel.CancelIoEx(handle, overlapped) === 0) return;
    this.#win.kernel.GetOverlappedResult(handle, overlapped, this.#count, 1);
  }

  close(): void {
    for (const instance of this.#instances) {
      this.#finish(instance);
      this.#release(instance);
      this.#win.kernel.CloseHandle(instance.handle);
      instance.state = "broken";
    }
  }
}
