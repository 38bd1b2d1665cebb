/** Who a device is and whom it talks to: what was read of the options, put into the engine as a whole or not at all. */
import type { Address, Core } from "../core/core.ts";
import type { Peer } from "../engine/peer.ts";
import { OwnKeyError, PeerExistsError, PeerUnknownError } from "../event/device-errors.ts";
import type { EventDriver } from "../event/driver.ts";
import { replaceAllowedIps } from "./allowed-ips.ts";
import type { Names } from "./names.ts";
import type { ParsedChange, ParsedPeer } from "./peer-config.ts";
import type { Reports } from "./reports.ts";

const KEY_BYTES = 32;

interface Parts {
  readonly core: Core;
  readonly driver: EventDriver;
  /** Undefined: endpoints are numeric. */
  readonly names: Names | undefined;
  readonly reports: Reports;
}

export class Peers {
  readonly #core: Core;
  readonly #driver: EventDriver;
  readonly #names: Names | undefined;
  readonly #reports: Reports;

  constructor({ core, driver, names, reports }: Parts) {
    this.#core = core;
    this.#driver = driver;
    this.#names = names;
    this.#reports = reports;
  }

  /** A peer with the same public key is removed. @param key 32 bytes */
  setPrivateKey(key: Uint8Array): void {
    this.#driver.configure(() => this.#withSecret(key, (at) => this.#driver.engine.setPrivateKey(at)));
  }

  /** @throws PeerExistsError, OwnKeyError, PeerLimitError, RouteLimitError; it is not added then */
  add(parsed: ParsedPeer): void {
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

  /** @throws PeerUnknownError, RouteLimitError; nothing is changed then */
  change(publicKey: Uint8Array, parsed: ParsedChange): void {
    const peer = this.require(publicKey);
    this.#driver.configure(() => this.#apply(peer, parsed));
  }

  /** @throws PeerUnknownError */
  remove(publicKey: Uint8Array): void {
    const peer = this.require(publicKey);
    this.#names?.forget(peer);
    this.#driver.configure(() => this.#driver.engine.removePeer(peer));
  }

  /** @throws PeerUnknownError */
  require(publicKey: Uint8Array): Peer {
    const peer = this.#find(publicKey);
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
    if (endpoint !== undefined) this.#setEndpoint(peer, endpoint);
    if (persistentKeepalive !== undefined) peer.setPersistentKeepalive(persistentKeepalive);
    peer.commit();
    this.#reports.configured(peer);
  }

  #setEndpoint(peer: Peer, endpoint: NonNullable<ParsedChange["endpoint"]>): void {
    if ("host" in endpoint) return this.#names?.set(peer, endpoint);
    this.#names?.forget(peer);
    peer.setEndpoint(endpoint);
  }

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
}
