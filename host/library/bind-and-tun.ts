/**
 * Bind and Tun of a device, opened, moved and closed: whoever wrote them, whatever they throw. What goes wrong with one of them
 * leaves the other as it should be.
 */
import { PortInUseError, WasmguardError } from "../errors.ts";
import type { Bind, BindEvents } from "../event/bind.ts";
import { BindError, TunError } from "../event/device-errors.ts";
import type { DirectBind } from "../event/direct-bind.ts";
import type { Tun, TunEvents } from "../event/tun.ts";

const PORT_MAX = 0xffff;

export interface BindAndTunOptions {
  readonly bind: Bind | DirectBind;
  readonly tun: Tun;
  readonly bindEvents: BindEvents;
  readonly tunEvents: TunEvents;
}

export class BindAndTun {
  readonly #options: BindAndTunOptions;

  constructor(options: BindAndTunOptions) {
    this.#options = options;
  }

  /** @returns the port @throws PortInUseError, BindError */
  async openBind(port: number): Promise<number> {
    const { bind, bindEvents } = this.#options;
    try {
      return checkedPort(await bind.open(port, bindEvents));
    } catch (cause) {
      throw cause instanceof WasmguardError ? cause : new BindError(port, cause);
    }
  }

  /** @throws what the Tun throws, or TunError */
  async openTun(): Promise<void> {
    try {
      await this.#options.tun.open(this.#options.tunEvents);
    } catch (cause) {
      throw cause instanceof WasmguardError ? cause : new TunError("the Tun cannot be opened", cause);
    }
  }

  /**
   * @param from  the port in use
   * @returns     the new one
   * @throws      PortInUseError, BindError; `from` is in use then, unless it is gone as well, which `bindEvents.gone` is told
   */
  async move(from: number, to: number): Promise<number> {
    const { bind, bindEvents } = this.#options;
    if (bind.move === undefined) return this.#reopen(from, to);
    try {
      return checkedPort(await bind.move(to));
    } catch (cause) {
      if (cause instanceof WasmguardError) throw cause;
      bindEvents.failed(cause);
      throw new BindError(to, cause);
    }
  }

  async #reopen(from: number, to: number): Promise<number> {
    try {
      await this.closeBind();
    } catch (cause) {
      throw new BindError(undefined, cause);
    }
    try {
      return await this.openBind(to);
    } catch (error) {
      try {
        const again = await this.openBind(from);
        if (again !== from) throw new PortInUseError(from, undefined);
      } catch (cause) {
        this.#options.bindEvents.gone?.(cause);
      }
      throw error;
    }
  }

  /** @throws what it throws */
  async closeBind(): Promise<void> {
    await this.#options.bind.close();
  }

  async closeTun(): Promise<void> {
    await this.#options.tun.close();
  }

  /** Both, whatever either throws. @returns what they threw */
  async close(): Promise<WasmguardError[]> {
    const [tun, bind] = await Promise.allSettled([this.closeTun(), this.closeBind()]);
    const failures: WasmguardError[] = [];
    if (tun.status === "rejected") failures.push(new TunError("the Tun cannot be closed", tun.reason));
    if (bind.status === "rejected") failures.push(new BindError(undefined, bind.reason));
    return failures;
  }

  /** Both, whatever either throws. @returns what they threw */
  keep(refs: "ref" | "unref"): WasmguardError[] {
    const { bind, tun } = this.#options;
    const failures: WasmguardError[] = [];
    try {
      bind[refs]?.();
    } catch (cause) {
      failures.push(new BindError(undefined, cause));
    }
    try {
      tun[refs]?.();
    } catch (cause) {
      failures.push(new TunError("the Tun failed", cause));
    }
    return failures;
  }
}

function checkedPort(port: unknown): number {
  if (Number.isInteger(port) && (port as number) >= 0 && (port as number) <= PORT_MAX) return port as number;
  throw new Error("the Bind gave no port");
}
