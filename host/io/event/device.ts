/**
 * A WireGuard device for programs: one identity, its peers, a Tun on the inside and a Bind on the outside. Keys are copied
 * into linear memory and live only there; what the caller hands over stays the caller's to wipe.
 */
import type { Address, Core } from "../../core/core.ts";
import { type CoreLimits, loadCore } from "../../core/load.ts";
import type { Peer } from "../../device/peer.ts";
import { EngineClosedError, WasmguardError } from "../../errors.ts";
import { replaceAllowedIps } from "./allowed-ips.ts";
import type { Bind } from "./bind.ts";
import { type DeviceEvents, Listeners } from "./device-events.ts";
import { EventDriver } from "./driver.ts";
import { BindError, OwnKeyError, PeerExistsError, PeerUnknownError, TunError } from "./errors.ts";
import { type PublicKey, publicKeyBytes, secretKey } from "./keys.ts";
import {
  checkInteger,
  type ParsedChange,
  type PeerChange,
  type PeerConfig,
  parseChange,
  parsePeer,
} from "./peer-config.ts";
import { PeerWatch } from "./peer-watch.ts";
import { type DeviceStatistics, endpointText, peerStatistics, publicKeyOfPeer } from "./statistics.ts";
import type { Tun } from "./tun.ts";

const DEFAULT_MTU = 1420;
/** What every IPv4 link carries (RFC 791), and the largest IP packet. */
const MTU_MIN = 68;
const MTU_MAX = 65_535;
const KEY_BYTES = 32;

export interface DeviceOptions {
  /** 32 bytes. The caller wipes its own copy. */
  readonly privateKey: Uint8Array;
  /** Packets of this machine's side. Closed together with the device. */
  readonly tun: Tun;
  /** Datagrams of the network's side; UDP sockets by default. Closed together with the device. */
  readonly bind?: Bind | undefined;
  /** UDP port; 0, the default, takes a free one. */
  readonly listenPort?: number | undefined;
  /** Largest packet inside, in bytes; by default what the Tun says, or 1420. */
  readonly mtu?: number | undefined;
  readonly peers?: readonly PeerConfig[] | undefined;
  readonly limits?: CoreLimits | undefined;
}

export class Device {
  readonly #core: Core;
  readonly #driver: EventDriver;
  readonly #tun: Tun;
  readonly #bind: Bind;
  readonly #listeners = new Listeners();
  #watch: PeerWatch | undefined;
  #port: number;
  #state: "made" | "started" | "closed" = "made";
  #started: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Settles when no move to another port is under way. */
  #moved: Promise<unknown> = Promise.resolve();

  private constructor(core: Core, bind: Bind, options: DeviceOptions) {
    this.#core = core;
    this.#bind = bind;
    this.#tun = options.tun;
    this.#port = options.listenPort ?? 0;
    this.#driver = new EventDriver({
      core,
      bind,
      tun: options.tun,
      changed: () => this.#watch?.look(),
      failed: (part, cause) => this.#fail(part, cause),
    });
    core.exports.setMtu(options.mtu ?? options.tun.mtu ?? DEFAULT_MTU);
  }

  /**
   * Make a device. It opens nothing before `start`.
   * @throws KeyError, OptionError, LimitsError, EndpointError, AllowedIpError, PeerLimitError, RouteLimitError
   */
  static async create(options: DeviceOptions): Promise<Device> {
    const { listenPort, tun, peers = [], limits } = options;
    secretKey("privateKey", options.privateKey);
    if (listenPort !== undefined) checkInteger("listenPort", listenPort, 0, 0xffff);
    const mtu = options.mtu ?? tun.mtu;
    if (mtu !== undefined) checkInteger("mtu", mtu, MTU_MIN, MTU_MAX);
    const bind = options.bind ?? new (await import("./bind-dgram.ts")).DgramBind();
    const device = new Device(await loadCore(limits), bind, options);
    try {
      device.setPrivateKey(options.privateKey);
      for (const peer of peers) device.addPeer(peer);
    } catch (error) {
      device.#driver.close();
      throw error;
    }
    return device;
  }

  /** 32 bytes, a copy. */
  get publicKey(): Uint8Array {
    this.#requireOpen();
    const at = this.#core.publicKey()!;
    return this.#core.bytes.slice(at, at + KEY_BYTES);
  }

  /** The UDP port in use; before `start`, the one asked for. */
  get listenPort(): number {
    return this.#port;
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Open the Bind and the Tun, and begin. @throws PortInUseError, BindError, EngineClosedError, and what the Tun throws */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async #start(): Promise<void> {
    this.#requireOpen();
    await this.#openBind(this.#port);
    try {
      await this.#tun.open(this.#driver.tunEvents);
      this.#requireOpen();
    } catch (error) {
      await this.#bind.close();
      if (this.#closing !== undefined) await this.#tun.close();
      throw error;
    }
    this.#state = "started";
    this.#driver.start();
  }

  async #openBind(port: number): Promise<void> {
    const bound = await this.#bind.open(port, this.#driver.bindEvents);
    if (this.#state === "closed") {
      await this.#bind.close();
      throw new EngineClosedError();
    }
    this.#port = bound;
  }

  /**
   * Move to another UDP port. Sessions stay; peers follow with the next message they get. Calls take turns.
   * @param port 0 takes a free one
   * @throws PortInUseError, BindError; nothing is bound then
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
    await this.#bind.close();
    await this.#openBind(port);
  }

  /** Wipe all keys, then close the Bind and the Tun. Safe to call again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    this.#watch = undefined;
    this.#driver.close();
    await Promise.allSettled([this.#tun.close(), this.#bind.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#state === "closed") throw new EngineClosedError();
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /** Put a key where the core can read it, use it there, wipe it. */
  #withSecret(key: Uint8Array, use: (at: Address) => void): void {
    const { secretExchange } = this.#core.at;
    this.#core.bytes.set(key, secretExchange);
    try {
      use(secretExchange);
    } finally {
      this.#core.wipe(secretExchange, KEY_BYTES);
    }
  }

  /** Take another identity; a peer with the same public key is removed. @param key 32 bytes @throws KeyError */
  setPrivateKey(key: Uint8Array): void {
    this.#requireOpen();
    secretKey("privateKey", key);
    this.#driver.configure(() => this.#withSecret(key, (at) => this.#driver.engine.setPrivateKey(at)));
  }

  /**
   * @throws KeyError, EndpointError, AllowedIpError, OptionError, PeerExistsError, OwnKeyError, PeerLimitError,
   * RouteLimitError; the peer is not added then, and nothing else is changed
   */
  addPeer(config: PeerConfig): void {
    this.#requireOpen();
    const parsed = parsePeer(config);
    if (this.#find(parsed.publicKey) !== undefined) throw new PeerExistsError();
    const { engine } = this.#driver;
    this.#driver.configure(() => {
      this.#core.bytes.set(parsed.publicKey, this.#core.at.exchange);
      const peer = engine.createPeer(this.#core.at.exchange);
      if (peer === undefined) throw new OwnKeyError();
      try {
        this.#apply(peer, parsed);
      } catch (error) {
        engine.removePeer(peer);
        throw error;
      }
    });
  }

  /**
   * Change what is given, leave the rest.
   * @throws KeyError, EndpointError, AllowedIpError, OptionError, PeerUnknownError, RouteLimitError; nothing is changed then
   */
  updatePeer(publicKey: PublicKey, change: PeerChange): void {
    this.#requireOpen();
    const parsed = parseChange(change);
    const peer = this.#require(publicKey);
    this.#driver.configure(() => this.#apply(peer, parsed));
  }

  /** Its keys are wiped. @throws KeyError, PeerUnknownError */
  removePeer(publicKey: PublicKey): void {
    this.#requireOpen();
    const peer = this.#require(publicKey);
    this.#driver.configure(() => this.#driver.engine.removePeer(peer));
  }

  #require(publicKey: PublicKey): Peer {
    const peer = this.#find(publicKeyBytes(publicKey));
    if (peer === undefined) throw new PeerUnknownError();
    return peer;
  }

  #find(publicKey: Uint8Array): Peer | undefined {
    const { exchange } = this.#core.at;
    this.#core.bytes.set(publicKey, exchange);
    return this.#driver.engine.findPeer(exchange);
  }

  #apply(peer: Peer, { presharedKey, endpoint, allowedIps, persistentKeepalive }: ParsedChange): void {
    if (allowedIps !== undefined) replaceAllowedIps(this.#core, this.#driver.engine.peers(), peer, allowedIps);
    if (presharedKey !== undefined) {
      this.#withSecret(presharedKey ?? new Uint8Array(KEY_BYTES), (at) => peer.setPresharedKey(at));
    }
    if (endpoint !== undefined) peer.setEndpoint(endpoint);
    if (persistentKeepalive !== undefined) peer.setPersistentKeepalive(persistentKeepalive);
    peer.commit();
    this.#watch?.note(peer);
  }

  // ── what it tells ──────────────────────────────────────────────────────────────────────────────────────────

  statistics(): DeviceStatistics {
    this.#requireOpen();
    const { engine, tunDrops } = this.#driver;
    return {
      peers: Array.from(engine.peers(), (peer) => peerStatistics(this.#core, peer)),
      drops: { ...engine.drops(), tun: tunDrops },
    };
  }

  /** Listen. @returns what ends it */
  on<K extends keyof DeviceEvents>(type: K, listener: (event: DeviceEvents[K]) => void): () => void {
    if (type !== "error" && this.#state !== "closed") this.#watch ??= this.#watchPeers();
    return this.#listeners.add(type, listener);
  }

  #watchPeers(): PeerWatch {
    return new PeerWatch(this.#driver.engine, {
      handshake: (peer) => this.#listeners.tell("handshake", { publicKey: publicKeyOfPeer(this.#core, peer) }),
      endpoint: (peer) => {
        const endpoint = endpointText(peer);
        if (endpoint !== undefined)
          this.#listeners.tell("endpoint", { publicKey: publicKeyOfPeer(this.#core, peer), endpoint });
      },
    });
  }

  #fail(part: "tun" | "bind", cause: unknown): void {
    if (cause instanceof WasmguardError) this.#listeners.tell("error", cause);
    else
      this.#listeners.tell(
        "error",
        part === "tun" ? new TunError("the Tun failed", cause) : new BindError(this.#port, cause),
      );
  }
}
