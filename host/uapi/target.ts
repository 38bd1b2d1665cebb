/**
 * What the UAPI talks to: a device that can be configured and asked, seen through keys that lie in
 * linear memory. The engine implements it; this folder knows no more of a device than this.
 * A key argument is read before the call returns; the caller wipes its own copy afterwards.
 */
import type { Address, Endpoint } from "../core/core.ts";
import type { AllowedIp } from "../engine/allowed-ips.ts";

export interface ConfigTarget {
  /**
   * Set the identity: 32 bytes, clamped by the device. All zero removes it. Removes a peer with the same
   * public key. The present key again changes nothing.
   */
  setPrivateKey(key: Address): void;
  /** @throws WasmguardError if the port cannot be had; none is bound then */
  setListenPort(port: number): void;
  /** The present mark again must succeed without privilege. @throws WasmguardError if refused */
  setFirewallMark(mark: number): void;
  removeAllPeers(): void;
  findPeer(publicKey: Address): PeerTarget | undefined;
  /** @returns undefined for the device's own public key @throws PeerLimitError if there are too many */
  createPeer(publicKey: Address): PeerTarget | undefined;
  removePeer(peer: PeerTarget): void;

  /** @returns undefined without an identity */
  privateKey(): Address | undefined;
  /** @returns 0 if none is bound */
  listenPort(): number;
  /** @returns 0 if none is set */
  firewallMark(): number;
  /** In order of creation. Read out at once, before anything else can happen. */
  peers(): Iterable<PeerTarget>;
}

export interface PeerTarget {
  /** False from removal on, for ever, also if the slot is used again. No other member is used then. */
  readonly alive: boolean;
  readonly publicKey: Address;
  /** 32 bytes, all zero when none is set. */
  readonly presharedKey: Address;

  /** All zero removes it. Counts from the next handshake on. */
  setPresharedKey(key: Address): void;
  setEndpoint(endpoint: Endpoint): void;
  /** 0 turns it off. From 0 to another value, `commit` sends a keepalive. */
  setPersistentKeepalive(seconds: number): void;
  removeAllAllowedIps(): void;
  /** @param address 4 or 16 bytes, host bits not masked; not kept. Takes the prefix from another peer that has it. @throws RouteLimitError */
  addAllowedIp(address: Uint8Array, prefix: number): void;
  /** Does nothing unless this peer has that very prefix. */
  removeAllowedIp(address: Uint8Array, prefix: number): void;
  /** The peer's section has ended without an error: start it, send what waits. */
  commit(): void;

  endpoint(): Endpoint | undefined;
  /** Since the epoch; zeros before the first handshake. */
  lastHandshake(): { readonly seconds: number; readonly nanoseconds: number };
  txBytes(): bigint;
  rxBytes(): bigint;
  persistentKeepalive(): number;
  /**
   * In order of insertion. A long list is walked with pauses in which anything may change: then the walk may
   * miss or repeat entries or end early, but `next` never throws. What it yields is read before the next step.
   */
  allowedIps(): Iterator<AllowedIp>;
}

/** Keys between text and bytes, without leaving linear memory. */
export interface KeyCodec {
  /**
   * 64 hex digits of either case at `from` to 32 bytes at `to`, in constant time.
   * `to` may equal `from`. @returns false if they are not all hex digits
   */
  decodeHexKey(from: Address, to: Address): boolean;
  /** 32 bytes at `from` to 64 lower-case hex digits at `to`. */
  encodeHexKey(to: Address, from: Address): void;
}
