/**
 * A device that only remembers: a ConfigTarget for tests. Its keys lie in slots of linear memory, so that a scan
 * of that memory finds each key where it belongs and nowhere else.
 */
import { x25519 } from "@noble/curves/ed25519.js";
import { formatAddress } from "../../../../host/address/ip.ts";
import type { Address, Endpoint } from "../../../../host/core/core.ts";
import type { AllowedIp } from "../../../../host/engine/allowed-ips.ts";
import { PeerLimitError, PortInUseError, SystemError } from "../../../../host/errors.ts";
import type { ConfigTarget, PeerTarget } from "../../../../host/uapi/target.ts";
import type { Area } from "../../../../host/uapi/writer.ts";

const KEY_BYTES = 32;
const SLOT_BYTES = 2 * KEY_BYTES;
/** Setting these two fails, as a port in use and a mark without privilege do. */
export const TAKEN_PORT = 666;
export const FORBIDDEN_MARK = 666;

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export class MemoryTarget implements ConfigTarget {
  readonly #memory: WebAssembly.Memory;
  readonly #storage: Area;
  readonly #byKey = new Map<string, MemoryPeer>();
  readonly #free: Address[] = [];
  readonly owners = new Map<string, MemoryPeer>();
  readonly maxPeers: number;
  /** What happened, in order. */
  readonly events: string[] = [];
  port = 0;
  mark = 0;

  /** @param storage first slot: the private key; then one slot for each peer */
  constructor(memory: WebAssembly.Memory, storage: Area) {
    this.#memory = memory;
    this.#storage = storage;
    this.maxPeers = Math.floor(storage.length / SLOT_BYTES) - 1;
    for (let i = this.maxPeers; i >= 1; i--) this.#free.push(storage.address + i * SLOT_BYTES);
  }

  bytes(address: Address): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, KEY_BYTES);
  }

  setPrivateKey(key: Address): void {
    this.bytes(this.#storage.address).set(this.bytes(key));
    const publicKey = this.#ownPublicKey();
    const self = publicKey && this.#byKey.get(publicKey);
    if (self) this.removePeer(self);
    this.events.push("private_key");
  }

  setListenPort(port: number): void {
    this.port = 0;
    if (port === TAKEN_PORT) throw new PortInUseError(port, undefined);
    this.port = port;
    this.events.push(`listen_port ${port}`);
  }

  setFirewallMark(mark: number): void {
    if (mark === FORBIDDEN_MARK) throw new SystemError("setsockopt", 1);
    this.mark = mark;
    this.events.push(`fwmark ${mark}`);
  }

  removeAllPeers(): void {
    for (const peer of [...this.#byKey.values()]) this.removePeer(peer);
  }

  findPeer(publicKey: Address): MemoryPeer | undefined {
    return this.#byKey.get(hexOf(this.bytes(publicKey)));
  }

  createPeer(publicKey: Address): MemoryPeer | undefined {
    const key = hexOf(this.bytes(publicKey));
    if (key === this.#ownPublicKey()) return undefined;
    const slot = this.#free.pop();
    if (slot === undefined) throw new PeerLimitError(this.maxPeers);
    this.bytes(slot).set(this.bytes(publicKey));
    const peer = new MemoryPeer(this, slot, key);
    this.#byKey.set(key, peer);
    this.events.push(`create ${key.slice(0, 4)}`);
    return peer;
  }

  removePeer(peer: PeerTarget): void {
    const removed = peer as MemoryPeer;
    removed.removeAllAllowedIps();
    removed.alive = false;
    this.#byKey.delete(removed.name);
    new Uint8Array(this.#memory.buffer, removed.publicKey, SLOT_BYTES).fill(0);
    this.#free.push(removed.publicKey);
    this.events.push(`remove ${removed.name.slice(0, 4)}`);
  }

  privateKey(): Address | undefined {
    return this.bytes(this.#storage.address).some((byte) => byte !== 0) ? this.#storage.address : undefined;
  }

  listenPort(): number {
    return this.port;
  }

  firewallMark(): number {
    return this.mark;
  }

  peers(): Iterable<MemoryPeer> {
    return this.#byKey.values();
  }

  #ownPublicKey(): string | undefined {
    const key = this.privateKey();
    return key === undefined ? undefined : hexOf(x25519.getPublicKey(this.bytes(key).slice()));
  }
}

export class MemoryPeer implements PeerTarget {
  readonly #target: MemoryTarget;
  readonly publicKey: Address;
  readonly presharedKey: Address;
  readonly name: string;
  alive = true;
  readonly ips = new Map<string, AllowedIp>();
  remote: Endpoint | undefined;
  keepalive = 0;
  handshake = { seconds: 0, nanoseconds: 0 };
  sent = 0n;
  got = 0n;

  constructor(target: MemoryTarget, slot: Address, name: string) {
    this.#target = target;
    this.publicKey = slot;
    this.presharedKey = slot + KEY_BYTES;
    this.name = name;
  }

  setPresharedKey(key: Address): void {
    this.#target.bytes(this.presharedKey).set(this.#target.bytes(key));
  }

  setEndpoint(endpoint: Endpoint): void {
    this.remote = endpoint;
  }

  setPersistentKeepalive(seconds: number): void {
    this.keepalive = seconds;
  }

  removeAllAllowedIps(): void {
    for (const prefix of this.ips.keys()) this.#target.owners.delete(prefix);
    this.ips.clear();
  }

  addAllowedIp(address: Uint8Array, prefix: number): void {
    const masked = mask(address, prefix);
    const name = `${formatAddress(masked)}/${prefix}`;
    const owner = this.#target.owners.get(name);
    if (owner === this) return;
    owner?.ips.delete(name);
    this.#target.owners.set(name, this);
    this.ips.set(name, { address: masked, prefix });
  }

  removeAllowedIp(address: Uint8Array, prefix: number): void {
    const name = `${formatAddress(mask(address, prefix))}/${prefix}`;
    if (this.ips.delete(name)) this.#target.owners.delete(name);
  }

  commit(): void {
    this.#target.events.push(`commit ${this.name.slice(0, 4)}`);
  }

  endpoint(): Endpoint | undefined {
    return this.remote;
  }

  lastHandshake(): { seconds: number; nanoseconds: number } {
    return this.handshake;
  }

  txBytes(): bigint {
    return this.sent;
  }

  rxBytes(): bigint {
    return this.got;
  }

  persistentKeepalive(): number {
    return this.keepalive;
  }

  allowedIps(): Iterator<AllowedIp> {
    return this.ips.values();
  }
}

function mask(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))));
}
