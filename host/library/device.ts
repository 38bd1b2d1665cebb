/**
 * A WireGuard device for programs: one identity, its peers, a Tun on the inside and a Bind on the outside. Keys are copied
 * into linear memory and live only there; what the caller hands over stays the caller's to wipe.
 */

import type { AsyncDisposal, Signal } from "../ambient.ts";
import type { Core } from "../core/core.ts";
import { type CoreLimits, loadCore } from "../core/load.ts";
import { obstacle } from "../core/support.ts";
import { EngineClosedError, UnsupportedRuntimeError, WasmguardError } from "../errors.ts";
import type { Bind } from "../event/bind.ts";
import { BindError, ConstructorError, OptionError, TunError } from "../event/device-errors.ts";
import type { DirectBind } from "../event/direct-bind.ts";
import { EventDriver } from "../event/driver.ts";
import { MTU_DEFAULT } from "../event/mtu.ts";
import { checkFunction, checkInteger } from "../event/options.ts";
import { system } from "../event/system.ts";
import { BindAndTun } from "./bind-and-tun.ts";
import { type ConfigSource, readConfig } from "./config.ts";
import { type DeviceEvents, EVENT_TYPES } from "./device-events.ts";
import { type PublicKey, publicKeyBytes, secretKey } from "./device-keys.ts";
import {
  type ConfigOptions,
  type DeviceOptions,
  type ParsedOptions,
  parseOptions,
  readConfigOptions,
  wipe,
} from "./device-options.ts";
import type { DeviceStatistics, PeerStatistics } from "./device-statistics.ts";
import type { EndpointReader } from "./endpoint-option.ts";
import { Names } from "./names.ts";
import { type PeerChange, type PeerConfig, parseChange, parsePeer } from "./peer-config.ts";
import { peerStatistics } from "./peer-statistics.ts";
import { Peers } from "./peers.ts";
import { makeBind, requireBind } from "./pick-bind.ts";
import { Reports } from "./reports.ts";

const KEY_BYTES = 32;

/** Where the program's own types know `await using`. Nothing of it is declared for those that do not. */
export interface Device extends AsyncDisposal {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the method is defined below the class.
export class Device {
  readonly #core: Core;
  readonly #driver: EventDriver;
  readonly #ends: BindAndTun;
  readonly #reports: Reports;
  /** Undefined: endpoints are numeric. */
  readonly #names: Names | undefined;
  readonly #peers: Peers;
  #port: number;
  #state: "made" | "started" | "closed" = "made";
  #started: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Settles when no move to another port is under way. */
  #moved: Promise<unknown> = Promise.resolve();
  /** Ends what waits for the signal of the options. */
  #detach: () => void = () => {};

  private constructor(core: Core, bind: Bind | DirectBind, options: ParsedOptions) {
    if (options === undefined) throw new ConstructorError("Device");
    const { tun, lookup } = options;
    this.#core = core;
    this.#port = options.listenPort;
    this.#reports = new Reports({
      core,
      debug: options.debug,
      peers: () => this.#driver.engine.peers(),
      sendFailure: () => this.#driver.sendFailure,
    });
    this.#driver = new EventDriver({
      core,
      bind,
      tun,
      mtu: options.mtu,
      told: (peer, event) => {
        if (event === "silent" || (event === "handshake started" && peer.attempts > 0)) this.#names?.silent(peer);
        if (event === "handshake" || event === "back") this.#names?.reached(peer);
        this.#reports.told(peer, event);
      },
      failed: (part, cause) => this.#fail(part, cause),
      socket: (state, cause) => {
        this.#reports.socket(state, cause);
        if (state === "lost") this.#fail("bind", cause);
      },
    });
    const { bindEvents, tunEvents } = this.#driver;
    this.#ends = new BindAndTun({
      bind,
      tun,
      bindEvents,
      tunEvents,
      failed: (error) => this.#reports.failed(error),
    });
    this.#names = lookup && this.#makeNames(lookup);
    this.#peers = new Peers({ core, driver: this.#driver, names: this.#names, reports: this.#reports });
    core.exports.setMtu(options.mtu ?? MTU_DEFAULT);
  }

  #makeNames(lookup: NonNullable<ParsedOptions["lookup"]>): Names {
    return new Names({
      lookup,
      zones: system().zones,
      found: (peer, endpoint) => {
        this.#driver.configure(() => peer.endpointFound(endpoint));
        this.#reports.told(peer, "endpoint");
      },
      failed: (_peer, error) => this.#reports.failed(error),
    });
  }

  /**
   * Make a device. It opens nothing before `start`.
   * @throws KeyError, OptionError, LimitsError, EndpointError, AllowedIpError, PeerLimitError, RouteLimitError,
   * UnsupportedRuntimeError, and where FFI is asked for PlatformError, FfiUnavailableError, FfiThreadError; the signal's reason, if it is aborted by then
   */
  static async create(options: DeviceOptions): Promise<Device> {
    const parsed = parseOptions(options);
    try {
      parsed.signal?.throwIfAborted();
      requireBind(parsed);
      const missing = obstacle();
      if (missing !== undefined) throw new UnsupportedRuntimeError(missing);
      const core = await loadCore(parsed.limits as CoreLimits);
      const bind = parsed.bind ?? (await makeBind(parsed.driver, core));
      const device = new Device(core, bind, parsed);
      device.#configure(parsed);
      return device;
    } finally {
      wipe(parsed);
    }
  }

  /**
   * Make a device of a wg-quick configuration. What is for the system (addresses, DNS, routes, hooks) is not applied: `readConfig`
   * tells it. Names in endpoints are looked up by the system's resolver, or by the option `lookup`.
   * @param config its text, as bytes or, where it cannot be wiped anyway, as a string; or the path of a file
   * @throws ConfigError, and what `create` throws
   */
  static async fromConfig(config: ConfigSource, options: ConfigOptions): Promise<Device> {
    const given = readConfigOptions(options) as ConfigOptions;
    const read = await readConfig(config);
    const { privateKey, listenPort, mtu, peers } = read;
    try {
      return await Device.create({ listenPort, mtu, lookup: system().lookup, ...given, privateKey, peers });
    } finally {
      read.wipe();
    }
  }

  #configure({ privateKey, peers, signal }: ParsedOptions): void {
    try {
      signal?.throwIfAborted();
      this.setPrivateKey(privateKey);
      for (const peer of peers) this.#peers.add(peer);
      if (signal !== undefined) this.#follow(signal);
    } catch (error) {
      this.#state = "closed";
      this.#names?.close();
      this.#driver.close();
      throw error;
    }
  }

  /** @throws OptionError: a signal of anybody's may throw */
  #follow(signal: Signal): void {
    const close = (): void => void this.close();
    try {
      signal.addEventListener("abort", close);
    } catch (cause) {
      throw new OptionError("signal", "an AbortSignal", cause);
    }
    this.#detach = () => signal.removeEventListener("abort", close);
  }

  /** 32 bytes, a copy. */
  get publicKey(): Uint8Array<ArrayBuffer> {
    this.#requireOpen();
    const at = this.#core.publicKey()!;
    return Uint8Array.from(this.#core.bytes.subarray(at, at + KEY_BYTES));
  }

  /** The UDP port in use; before `start`, the one asked for. */
  get listenPort(): number {
    return this.#port;
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Look names up, open the Bind and the Tun, and begin. @throws PortInUseError, BindError, InUseError, EngineClosedError, and what the Tun throws */
  async start(): Promise<void> {
    this.#requireOpen();
    this.#started ??= this.#start().catch((error) => {
      this.#started = undefined;
      this.#ends.release();
      throw error;
    });
    return this.#started;
  }

  async #start(): Promise<void> {
    this.#requireOpen();
    await this.#names?.begin();
    await this.#openBind(this.#port);
    try {
      await this.#ends.openTun();
      this.#requireOpen();
    } catch (error) {
      await this.#ends.closeBind().catch((cause) => this.#fail("bind", cause));
      if (this.#closing !== undefined) await this.#ends.closeTun().catch((cause) => this.#fail("tun", cause));
      throw error;
    }
    this.#state = "started";
    this.#reports.debug(() => `started, listening on UDP port ${this.#port}`);
    this.#driver.start();
  }

  async #openBind(port: number): Promise<void> {
    this.#requireOpen();
    const bound = await this.#ends.openBind(port);
    if (this.#state === "closed") {
      await this.#ends.closeBind().catch((cause) => this.#fail("bind", cause));
      throw new EngineClosedError();
    }
    this.#port = bound;
  }

  /**
   * Move to another UDP port. Sessions stay; peers follow with the next message they get. Calls take turns.
   * @param port 0 takes a free one
   * @throws PortInUseError, BindError; it still listens on the port it had then
   */
  async listen(port: number): Promise<void> {
    checkInteger("listenPort", port, 0, 0xffff);
    this.#requireOpen();
    if (this.#started === undefined) {
      this.#port = port;
      return;
    }
    const started = this.#started;
    const moved = this.#moved.then(async () => {
      await started;
      await this.#move(port);
    });
    this.#moved = moved.catch(() => {});
    await moved;
  }

  async #move(port: number): Promise<void> {
    this.#requireOpen();
    const bound = await this.#ends.move(this.#port, port);
    if (this.#state === "closed") {
      await this.#ends.closeBind().catch((cause) => this.#fail("bind", cause));
      throw new EngineClosedError();
    }
    this.#port = bound;
    this.#reports.debug(() => `listening on UDP port ${bound}`);
  }

  /** Whether the device keeps the process alive, as it does at first. */
  ref(): this {
    return this.#keep("ref");
  }

  unref(): this {
    return this.#keep("unref");
  }

  #keep(refs: "ref" | "unref"): this {
    this.#driver.keep(refs);
    this.#names?.keep(refs);
    this.#ends.keep(refs);
    return this;
  }

  /** Wipe all keys, then close the Bind and the Tun; what they throw is told as `error`. Safe to call again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    this.#detach();
    this.#names?.close();
    this.#reports.close();
    try {
      this.#driver.close();
    } finally {
      for (const failure of await this.#ends.close()) this.#reports.failed(failure);
    }
    this.#reports.debug(() => "closed");
  }

  #requireOpen(): void {
    if (this.#state === "closed") throw new EngineClosedError();
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /** Take another identity; a peer with the same public key is removed. @param key 32 bytes @throws KeyError */
  setPrivateKey(key: Uint8Array): void {
    this.#requireOpen();
    secretKey("privateKey", key);
    this.#peers.setPrivateKey(key);
  }

  /**
   * @throws KeyError, EndpointError, AllowedIpError, OptionError, PeerExistsError, OwnKeyError, PeerLimitError,
   * RouteLimitError; the peer is not added then, and nothing else is changed
   */
  addPeer(config: PeerConfig): void {
    this.#requireOpen();
    this.#peers.add(parsePeer("peer", config, this.#reader));
  }

  get #reader(): EndpointReader {
    return { zones: system().zones, names: this.#names === undefined ? "refused" : "taken" };
  }

  /**
   * Change what is given, leave the rest.
   * @throws KeyError, EndpointError, AllowedIpError, OptionError, PeerUnknownError, RouteLimitError; nothing is changed then
   */
  updatePeer(publicKey: PublicKey, change: PeerChange): void {
    this.#requireOpen();
    const key = publicKeyBytes(publicKey);
    this.#peers.change(key, parseChange(key, change, this.#reader));
  }

  /** Its keys are wiped. @throws KeyError, PeerUnknownError */
  removePeer(publicKey: PublicKey): void {
    this.#requireOpen();
    this.#peers.remove(publicKeyBytes(publicKey));
  }

  // ── what it tells ──────────────────────────────────────────────────────────────────────────────────────────

  statistics(): DeviceStatistics {
    this.#requireOpen();
    const { engine, running } = this.#driver;
    return {
      driver: running,
      peers: Array.from(engine.peers(), (peer) => peerStatistics(this.#core, peer)),
      drops: { ...engine.drops(), tun: this.#driver.drops("tun"), bind: this.#driver.drops("bind") },
    };
  }

  /** Of one peer. @throws KeyError, PeerUnknownError */
  peer(publicKey: PublicKey): PeerStatistics {
    this.#requireOpen();
    return peerStatistics(this.#core, this.#peers.require(publicKeyBytes(publicKey)));
  }

  /** Listen. @returns what ends it @throws OptionError */
  on<K extends keyof DeviceEvents>(type: K, listener: (event: DeviceEvents[K]) => void): () => void {
    if (!EVENT_TYPES.includes(type)) throw new OptionError("type", `one of ${EVENT_TYPES.join(", ")}`);
    checkFunction("listener", listener);
    return this.#reports.on(type, listener);
  }

  #fail(part: "tun" | "bind", cause: unknown): void {
    if (cause instanceof WasmguardError) return this.#reports.failed(cause);
    this.#reports.failed(part === "tun" ? new TunError("the Tun failed", cause) : new BindError(undefined, cause));
  }
}

Object.defineProperty(Device.prototype, Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose"), {
  value(this: Device): Promise<void> {
    return this.close();
  },
  configurable: true,
  writable: true,
});
