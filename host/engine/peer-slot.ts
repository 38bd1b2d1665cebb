/**
 * A peer's place in the core: its keys, its endpoint, its allowed IPs and its counters, all of which lie in linear memory.
 * What it does with them over time is the Peer's.
 */
import type { Address, Core, Endpoint } from "../core/core.ts";
import { PATH_BYTES, pathLocalAt } from "../core/records/path.ts";
import { peerPath, peerPresharedKey, peerPublicKey, peerRxBytes, peerTxBytes } from "../core/records/peer.ts";
import { type AllowedIp, addAllowedIp, allowedIps, removeAllowedIp } from "./allowed-ips.ts";

export class PeerSlot {
  readonly slot: number;
  readonly #core: Core;

  constructor(core: Core, slot: number) {
    this.#core = core;
    this.slot = slot;
  }

  protected get record(): Address {
    return this.#core.peer(this.slot);
  }

  get publicKey(): Address {
    return peerPublicKey(this.record);
  }

  get presharedKey(): Address {
    return peerPresharedKey(this.#core.secret(this.slot));
  }

  /** 32 bytes at `key`; all zero removes it. Counts from the next handshake on. */
  setPresharedKey(key: Address): void {
    this.#core.bytes.copyWithin(this.presharedKey, key, key + 32);
  }

  setEndpoint(endpoint: Endpoint): void {
    this.#core.writeEndpoint(this.path, endpoint);
  }

  endpoint(): Endpoint | undefined {
    return this.#core.readEndpoint(this.path);
  }

  /** Where packets for it go and come from; see core/records/path.ts. */
  get path(): Address {
    return peerPath(this.record);
  }

  /** The system refused the cached source address, or it may be wrong by now: let it choose anew. */
  clearSource(): void {
    const local = pathLocalAt(this.path);
    this.#core.wipe(local, this.path + PATH_BYTES - local);
  }

  /** @throws RouteLimitError */
  addAllowedIp(address: Uint8Array, prefix: number): void {
    addAllowedIp(this.#core, this.slot, address, prefix);
  }

  removeAllowedIp(address: Uint8Array, prefix: number): void {
    removeAllowedIp(this.#core, this.slot, address, prefix);
  }

  removeAllAllowedIps(): void {
    this.#core.exports.removeRoutes(this.slot);
  }

  allowedIps(): Iterator<AllowedIp> {
    return allowedIps(this.#core, this.slot);
  }

  /** Bytes of authenticated messages. */
  rxBytes(): bigint {
    return peerRxBytes(this.#core.view, this.record);
  }

  /** Bytes of UDP payload sent. */
  txBytes(): bigint {
    return peerTxBytes(this.#core.view, this.record);
  }
}
