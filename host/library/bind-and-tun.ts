/**
 * Bind and Tun of a device, opened, moved and closed: whoever wrote them, whatever they throw. What goes wrong with one of them
 * leaves the other as it should be.
 */
import { PortInUseError, WasmguardError } from "../errors.ts";
import type { Bind, BindEvents } from "../event/bind.ts";
import { BindError, TunError } from "../event/device-errors.ts";
import type { DirectBind } from "../event/direct-bind.ts";
import type { Tun, TunEvents } from "../event/tun.ts";
import { hold, isForeign, isLetGo, noteRefs, type Refs, release } from "./in-use.ts";

const PORT_MAX = 0xffff;

export interface BindAndTunOptions {
  readonly bind: Bind | DirectBind;
  readonly tun: Tun;
  readonly bindEvents: BindEvents;
  readonly tunEvents: TunEvents;
  /** What a `ref` or an `unref` threw, at once or later. */
  failed(error: WasmguardError): void;
}

type Part = Bind | DirectBind | Tun;
type Failed = (cause: unknown) => void;

export class BindAndTun {
  readonly #options: BindAndTunOptions;
  #closed = false;
  /** Undefined until somebody says which: what the program told Bind and Tun itself stays then. */
  #refs: Refs | undefined;

  constructor(options: BindAndTunOptions) {
    this.#options = options;
  }

  /** @returns the port @throws PortInUseError, BindError, InUseError */
  async openBind(port: number): Promise<number> {
    const { bind, bindEvents } = this.#options;
    hold("Bind", bind, this);
    try {
      return checkedPort(await this.#opened(bind, () => bind.open(port, bindEvents), this.#bindFailed));
    } catch (cause) {
      throw cause instanceof WasmguardError ? cause : new BindError(port, cause);
    } finally {
      // By a move, which closing did not wait for.
      if (this.#closed) this.release();
    }
  }

  /** @throws what the Tun throws, or TunError, InUseError */
  async openTun(): Promise<void> {
    const { tun, tunEvents } = this.#options;
    hold("Tun", tun, this);
    try {
      await this.#opened(tun, () => tun.open(tunEvents), this.#tunFailed);
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

  /** What another device has meanwhile is left alone, here and below. @throws what it throws */
  async closeBind(): Promise<void> {
    const { bind } = this.#options;
    if (!isForeign(bind, this)) await bind.close();
  }

  async closeTun(): Promise<void> {
    const { tun } = this.#options;
    if (!isForeign(tun, this)) await tun.close();
  }

  /** Others may open them. */
  release(): void {
    release(this.#options.bind, this);
    release(this.#options.tun, this);
  }

  /** Both, whatever either throws. @returns what they threw */
  async close(): Promise<WasmguardError[]> {
    this.#closed = true;
    const closing = Promise.allSettled([this.closeTun(), this.closeBind()]);
    this.release();
    const [tun, bind] = await closing;
    const failures: WasmguardError[] = [];
    if (tun.status === "rejected") failures.push(new TunError("the Tun cannot be closed", tun.reason));
    if (bind.status === "rejected") failures.push(new BindError(undefined, bind.reason));
    return failures;
  }

  /** Both, whatever either throws; of one that another device has, once it is ours. */
  keep(refs: Refs): void {
    this.#refs = refs;
    this.#tell(this.#options.bind, refs, this.#bindFailed);
    this.#tell(this.#options.tun, refs, this.#tunFailed);
  }

  /**
   * Told before it is opened, since that may take its time, and once it is open, since one with a single socket has it only then:
   * what it throws before is no failure yet.
   */
  async #opened<T>(part: Part, open: () => T | Promise<T>, failed: Failed): Promise<T> {
    const owed = isLetGo(part) ? "ref" : undefined;
    this.#tell(part, this.#refs ?? owed, () => {});
    const opened = await open();
    this.#tell(part, this.#refs ?? owed, failed);
    return opened;
  }

  #tell(part: Part, refs: Refs | undefined, failed: Failed): void {
    if (refs === undefined || this.#closed || isForeign(part, this)) return;
    noteRefs(part, refs);
    say(part, refs).catch(failed);
  }

  readonly #bindFailed: Failed = (cause) => this.#options.failed(new BindError(undefined, cause));
  readonly #tunFailed: Failed = (cause) => this.#options.failed(new TunError("the Tun failed", cause));
}

/** Within this call. Rejects with what is thrown, at once or by a promise. */
async function say(part: Part, refs: Refs): Promise<void> {
  await part[refs]?.();
}

function checkedPort(port: unknown): number {
  if (Number.isInteger(port) && (port as number) >= 0 && (port as number) <= PORT_MAX) return port as number;
  throw new Error("the Bind gave no port");
}
