/**
 * Typed access to one core: its exports and its linear memory. The only code of the host that knows offsets, with
 * assembly/abi.ts. The memory has its final size before a Core exists and never grows after that, so these
 * views stay good for as long as the core does. An `Address` is a byte offset in linear memory.
 */
import * as abi from "../../assembly/abi.ts";
import type { WasmExports } from "./generated/exports.ts";

export type CoreExports = typeof WasmExports;
export type Address = number;

/** Where a datagram comes from or goes to. `address` is 4 or 16 bytes in network order. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
  /** IPv6 zone as interface index; 0 when there is none. */
  readonly scope: number;
}

export class Core {
  readonly memory: WebAssembly.Memory;
  readonly exports: CoreExports;
  readonly maxPeers: number;
  /** Nodes of the allowed-ips tries. */
  readonly maxRoutes: number;
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
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const entries = Object.keys(REGIONS).map((name) => [name, exports[name as keyof typeof REGIONS].value]);
    this.at = Object.fromEntries(entries);
  }

  /** A u32 field. @param address multiple of 4 */
  u32(address: Address): number {
    return this.words[address >>> 2]!;
  }

  peer(slot: number): Address {
    return this.at.peers + abi.PEER_BYTES * slot;
  }

  secret(slot: number): Address {
    return this.#secretGroup(slot) + abi.SECRET_BYTES * (slot % abi.SECRET_GROUP_PEERS);
  }

  /** The first of a peer's keypairs. */
  keypairs(slot: number): Address {
    const place = abi.KEYPAIRS_PER_PEER * abi.KEYPAIR_BYTES * (slot % abi.SECRET_GROUP_PEERS);
    return this.#secretGroup(slot) + abi.SECRET_GROUP_KEYPAIRS + place;
  }

  /** How many peers, from slot 0 on, have all their secrets below `address`. */
  peersBelow(address: Address): number {
    let slot =
      Math.max(0, Math.floor((address - this.at.peerSecrets) / abi.SECRET_GROUP_BYTES)) * abi.SECRET_GROUP_PEERS;
    while (slot < this.maxPeers && this.keypairs(slot) + abi.KEYPAIRS_PER_PEER * abi.KEYPAIR_BYTES <= address) slot++;
    return Math.min(slot, this.maxPeers);
  }

  #secretGroup(slot: number): Address {
    return this.at.peerSecrets + abi.SECRET_GROUP_BYTES * Math.floor(slot / abi.SECRET_GROUP_PEERS);
  }

  wipe(address: Address, length: number): void {
    this.bytes.fill(0, address, address + length);
  }

  readEndpoint(path: Address): Endpoint | undefined {
    const family = this.view.getUint16(path + abi.PATH_FAMILY, true);
    if (family === 0) return undefined;
    const start = path + abi.PATH_ADDRESS;
    return {
      address: Uint8Array.from(this.bytes.subarray(start, start + (family === 4 ? 4 : 16))),
      port: this.view.getUint16(path + abi.PATH_PORT, true),
      scope: this.u32(path + abi.PATH_SCOPE),
    };
  }

  /** Write the remote part of a path; the cached source address is cleared. */
  writeEndpoint(path: Address, endpoint: Endpoint): void {
    this.bytes.fill(0, path, path + abi.PATH_BYTES);
    this.view.setUint16(path + abi.PATH_FAMILY, endpoint.address.length === 4 ? 4 : 6, true);
    this.view.setUint16(path + abi.PATH_PORT, endpoint.port, true);
    this.view.setUint32(path + abi.PATH_SCOPE, endpoint.scope, true);
    this.bytes.set(endpoint.address, path + abi.PATH_ADDRESS);
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
