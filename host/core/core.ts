/**
 * Typed access to one core: its exports and its linear memory. This folder alone knows offsets, from assembly/abi.ts, which
 * the build checks against the core's own structs. The memory has its final size before a Core exists and never grows after that, so these
 * views stay good for as long as the core does. An `Address` is a byte offset in linear memory.
 */
import {
  KEYPAIR_BYTES,
  KEYPAIRS_PER_PEER,
  RANDOM_BYTES,
  SECRET_BYTES,
  SECRET_GROUP_BYTES,
  SECRET_GROUP_KEYPAIRS,
  SECRET_GROUP_PEERS,
} from "../../assembly/abi.ts";
import type { Endpoint } from "../address/endpoint.ts";
import type { WasmExports } from "./generated/exports.ts";
import { identityPrivateKey, identityPublicKey } from "./records/identity.ts";
import { type Address, type MemoryViews, viewsOf } from "./records/memory.ts";
import { readEndpoint, writeEndpoint } from "./records/path.ts";
import { peerAt } from "./records/peer.ts";
import { rxAt } from "./records/rx.ts";
import { txAt } from "./records/tx.ts";
import { writeAt } from "./records/write.ts";

export type CoreExports = typeof WasmExports;
export type { Endpoint } from "../address/endpoint.ts";
export type { Address, MemoryViews } from "./records/memory.ts";

export class Core {
  readonly memory: WebAssembly.Memory;
  readonly exports: CoreExports;
  readonly maxPeers: number;
  /** Nodes of the allowed-ips tries. */
  readonly maxRoutes: number;
  /** What the functions of records/ work on. */
  readonly views: MemoryViews;
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly words: Uint32Array<ArrayBufferLike>;
  readonly view: DataView<ArrayBufferLike>;
  /** Fixed addresses of regions (assembly/memory/layout.ts). */
  readonly at: Readonly<Record<keyof typeof REGIONS, Address>>;

  constructor(memory: WebAssembly.Memory, exports: CoreExports, maxPeers: number, maxRoutes: number) {
    this.memory = memory;
    this.exports = exports;
    this.maxPeers = maxPeers;
    this.maxRoutes = maxRoutes;
    this.views = viewsOf(memory);
    this.bytes = this.views.bytes;
    this.words = this.views.words;
    this.view = new DataView(memory.buffer);
    const entries = Object.keys(REGIONS).map((name) => [name, exports[name as keyof typeof REGIONS].value]);
    this.at = Object.fromEntries(entries);
  }

  /** A u32 field. @param address multiple of 4 */
  u32(address: Address): number {
    return this.words[address >>> 2]!;
  }

  peer(slot: number): Address {
    return peerAt(this.at.peers, slot);
  }

  /** Record of a received message; see records/rx.ts. */
  rx(index: number): Address {
    return rxAt(this.at.rxDescriptors, index);
  }

  /** Record of a message to send; see records/tx.ts. */
  tx(index: number): Address {
    return txAt(this.at.txDescriptors, index);
  }

  /** Record of a write to the inside; see records/write.ts. */
  write(index: number): Address {
    return writeAt(this.at.writes, index);
  }

  secret(slot: number): Address {
    return this.#secretGroup(slot) + SECRET_BYTES * (slot % SECRET_GROUP_PEERS);
  }

  /** The first of a peer's keypairs. */
  keypairs(slot: number): Address {
    const place = KEYPAIRS_PER_PEER * KEYPAIR_BYTES * (slot % SECRET_GROUP_PEERS);
    return this.#secretGroup(slot) + SECRET_GROUP_KEYPAIRS + place;
  }

  /** How many peers, from slot 0 on, have all their secrets below `address`. */
  peersBelow(address: Address): number {
    let slot = Math.max(0, Math.floor((address - this.at.peerSecrets) / SECRET_GROUP_BYTES)) * SECRET_GROUP_PEERS;
    while (slot < this.maxPeers && this.keypairs(slot) + KEYPAIRS_PER_PEER * KEYPAIR_BYTES <= address) slot++;
    return Math.min(slot, this.maxPeers);
  }

  #secretGroup(slot: number): Address {
    return this.at.peerSecrets + SECRET_GROUP_BYTES * Math.floor(slot / SECRET_GROUP_PEERS);
  }

  wipe(address: Address, length: number): void {
    this.bytes.fill(0, address, address + length);
  }

  readEndpoint(path: Address): Endpoint | undefined {
    return readEndpoint(this.views, path);
  }

  /** Write the remote part of a path; the cached source address is cleared. */
  writeEndpoint(path: Address, endpoint: Endpoint): void {
    writeEndpoint(this.views, path, endpoint);
  }

  /** Where the private key is; undefined without an identity. */
  privateKey(): Address | undefined {
    return identityPrivateKey(this.views, this.at.identity);
  }

  /** Where our public key is; undefined without an identity. */
  publicKey(): Address | undefined {
    return identityPublicKey(this.views, this.at.identity);
  }

  /** Random bytes go here before a handshake message is made; the core wipes what it used. */
  randomArea(): Uint8Array {
    return this.bytes.subarray(this.at.random, this.at.random + RANDOM_BYTES);
  }

  /** @param reason DROP_… */
  countDrops(reason: number, count: number): void {
    for (let i = 0; i < count; i++) this.exports.countDrop(reason);
  }
}

const REGIONS = {
  secretsBegin: 0,
  secretsEnd: 0,
  identity: 0,
  random: 0,
  uapiAreas: 0,
  scratches: 0,
  peerSecrets: 0,
  peers: 0,
  drops: 0,
  exchange: 0,
  icmpBuffer: 0,
  secretExchange: 0,
  touched: 0,
  handshakeQueue: 0,
  rxDescriptors: 0,
  rxBuffers: 0,
  txDescriptors: 0,
  txBuffers: 0,
  gather: 0,
  writes: 0,
  tunBuffer: 0,
  ioControl: 0,
  device: 0,
} as const satisfies Partial<Record<keyof CoreExports, 0>>;
