/** Windows as the daemon sees it. */
import { NUMERIC_ZONES } from "../../address/endpoint-text.ts";
import type { ConfinementStatus, KeyMemory } from "../../confine/confinement-status.ts";
import type { Core } from "../../core/core.ts";
import { openWin32, type Win32 } from "../../ffi/windows/win32.ts";
import { SESSIONS } from "../control-session.ts";
import type { ControlRequest, DaemonSystem, DeviceRequest, Machine, RightsRequest, TunnelRequest } from "../machine.ts";
import { DEFAULT_MTU } from "../mtu.ts";
import { setProcessPriority } from "../priority.ts";
import { makePipes } from "./control-pipe.ts";
import { setMtu } from "./interface-mtu.ts";
import { lockKeyMemory } from "./key-memory.ts";
import { giveUpRights } from "./rights.ts";
import { WindowsTunnel } from "./tunnel.ts";
import { loadWintun, openWintun, type Wintun } from "./wintun.ts";

class WindowsMachine implements Machine {
  readonly keyMemory: KeyMemory;
  readonly zones = NUMERIC_ZONES;
  readonly #win: Win32;
  #device: Wintun | undefined;
  /** Of the control pipe; the tunnel closes them once it is open. */
  #pipes: readonly number[] = [];

  constructor(core: Core, win: Win32) {
    this.#win = win;
    this.keyMemory = lockKeyMemory(win, core);
  }

  get backend(): string {
    return this.#win.backend;
  }

  /** Windows does not tell. */
  hasRoom(): boolean {
    return true;
  }

  openDevice(request: DeviceRequest): Wintun {
    const { name, threads, log } = request;
    log("error", "experimental: nobody has run this daemon on Windows itself yet, only under Wine");
    if (threads > 1) log("error", "a wintun device has one queue: working with one thread");
    this.#device = openWintun(this.#win, loadWintun(this.#win, request), name);
    log("verbose", `wintun driver ${this.#device.driverVersion}`);
    const refusal = setMtu(this.#win, this.#device, DEFAULT_MTU);
    if (refusal !== undefined) log("error", refusal);
    return this.#device;
  }

  threadParts(): undefined {
    return undefined;
  }

  listen({ path }: ControlRequest): void {
    this.#pipes = makePipes(this.#win, path, SESSIONS);
  }

  openTunnel(request: TunnelRequest): WindowsTunnel {
    if (this.#device === undefined) throw new Error("there is no device yet");
    const tunnel = new WindowsTunnel({ ...request, win: this.#win, device: this.#device, pipes: this.#pipes });
    this.#pipes = [];
    return tunnel;
  }

  async giveUpRights(request: RightsRequest): Promise<ConfinementStatus> {
    return giveUpRights(this.#win, request, this.keyMemory);
  }

  hasAvx2(): boolean {
    return false;
  }

  trim(): void {}

  async closeControl(): Promise<void> {
    for (const pipe of this.#pipes) this.#win.kernel.CloseHandle(pipe);
  }

  close(): void {
    this.#device?.close();
  }
}

export const windows: DaemonSystem = {
  setPriority: setProcessPriority,
  services: async () => (await import("./service/services.ts")).windowsServices(),
  open: async (core) => new WindowsMachine(core, await openWin32(core.memory)),
};
