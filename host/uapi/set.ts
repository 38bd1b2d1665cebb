/**
 * One `set` operation, applied line by line as it arrives. It is not transactional: what was applied before a
 * bad line stays, but the section of that line is not committed. Keys are decoded where they lie and handed on
 * by address; the session wipes the line afterwards.
 *
 *   device ──public_key──▶ peer ──public_key──▶ peer …     previous section committed first
 *                           │ remove, update_only of a new one, own key, removed by another client
 *                           ▼
 *                         discard ──public_key──▶ peer     lines checked, nothing applied
 */

import { ascii, decimal, EQUALS, equals, find } from "../address/ascii.ts";
import { parseEndpoint, type Zones } from "../address/endpoint-text.ts";
import { parsePrefix } from "../address/ip.ts";
import type { Address } from "../core/core.ts";
import { WasmguardError } from "../errors.ts";
import type { ConfigTarget, KeyCodec, PeerTarget } from "./target.ts";
import { UapiSocketError, UapiSyntaxError, UapiValueError } from "./uapi-errors.ts";

const KEY_HEX_BYTES = 64;

const U16_MAX = 0xffff;
const U32_MAX = 0xffffffff;
const MINUS = 45;
const TRUE = ascii("true");
const PROTOCOL_VERSION = ascii("1");

const KEYS = [
  "allowed_ip", // most lines of a large configuration
  "public_key",
  "private_key",
  "listen_port",
  "fwmark",
  "replace_peers",
  "update_only",
  "remove",
  "preshared_key",
  "endpoint",
  "persistent_keepalive_interval",
  "replace_allowed_ips",
  "protocol_version",
] as const;
type Key = (typeof KEYS)[number];
const KEY_TEXT = KEYS.map((key) => ({ key, text: ascii(key) }));

function keyOf(bytes: Uint8Array, start: number, end: number): Key | undefined {
  for (const { key, text } of KEY_TEXT) if (equals(bytes, start, end, text)) return key;
  return undefined;
}

/** The right-hand side of a line, with the checks that several keys share. */
class Value {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly #key: Key;

  constructor(key: Key, bytes: Uint8Array, start: number, end: number) {
    this.#key = key;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** @returns `value`, unless it is what the parsers answer to a bad text */
  require<T>(value: T | undefined): T {
    if (value === undefined || value === -1) throw new UapiValueError(this.#key);
    return value;
  }

  number(maximum: number): number {
    return this.require(decimal(this.bytes, this.start, this.end, maximum));
  }

  literal(text: Uint8Array): void {
    if (!equals(this.bytes, this.start, this.end, text)) throw new UapiValueError(this.#key);
  }

  /** Decode 64 hex digits in place. @returns where the 32 bytes are now */
  hexKey(codec: KeyCodec): Address {
    const isKey = this.end - this.start === KEY_HEX_BYTES && codec.decodeHexKey(this.start, this.start);
    return this.require(isKey ? this.start : undefined);
  }
}

export class SetOperation {
  readonly #target: ConfigTarget;
  readonly #codec: KeyCodec;
  readonly #zones: Zones;
  #section: "device" | "peer" = "device";
  /** Undefined in a peer section whose lines are discarded. */
  #peer: PeerTarget | undefined;
  #created = false;

  constructor(target: ConfigTarget, codec: KeyCodec, zones: Zones) {
    this.#target = target;
    this.#codec = codec;
    this.#zones = zones;
  }

  /** Apply one line, without its LF. @throws UapiError, or what the target throws */
  line(bytes: Uint8Array, start: number, end: number): void {
    const equalsAt = find(bytes, EQUALS, start, end);
    if (equalsAt < 0) throw new UapiSyntaxError();
    const key = keyOf(bytes, start, equalsAt);
    if (key === undefined) throw new UapiValueError("unknown key");
    const value = new Value(key, bytes, equalsAt + 1, end);
    if (key === "public_key") this.#openSection(value);
    else if (this.#section === "device") this.#deviceLine(key, value);
    else this.#peerLine(key, value);
  }

  /** The operation ended without an error. */
  finish(): void {
    if (this.#peer?.alive) this.#peer.commit();
    this.#peer = undefined;
  }

  #openSection(value: Value): void {
    this.finish();
    this.#section = "peer";
    const publicKey = value.hexKey(this.#codec);
    this.#peer = this.#target.findPeer(publicKey);
    this.#created = this.#peer === undefined;
    if (this.#created) this.#peer = this.#target.createPeer(publicKey);
  }

  #deviceLine(key: Key, value: Value): void {
    switch (key) {
      case "private_key":
        this.#target.setPrivateKey(value.hexKey(this.#codec));
        break;
      case "listen_port":
      case "fwmark":
        this.#socketLine(key, value);
        break;
      case "replace_peers":
        value.literal(TRUE);
        this.#target.removeAllPeers();
        break;
      default:
        throw new UapiValueError(key);
    }
  }

  #socketLine(key: "listen_port" | "fwmark", value: Value): void {
    const number = value.number(key === "fwmark" ? U32_MAX : U16_MAX);
    try {
      if (key === "fwmark") this.#target.setFirewallMark(number);
      else this.#target.setListenPort(number);
    } catch (error) {
      throw error instanceof WasmguardError ? new UapiSocketError(key, error) : error;
    }
  }

  #peerLine(key: Key, value: Value): void {
    if (this.#peer?.alive === false) this.#peer = undefined;
    switch (key) {
      case "update_only":
        value.literal(TRUE);
        if (this.#created) this.#removePeer();
        break;
      case "remove":
        value.literal(TRUE);
        this.#removePeer();
        break;
      case "preshared_key": {
        const presharedKey = value.hexKey(this.#codec);
        this.#peer?.setPresharedKey(presharedKey);
        break;
      }
      case "endpoint": {
        const endpoint = value.require(parseEndpoint(value.bytes, value.start, value.end, this.#zones));
        this.#peer?.setEndpoint(endpoint);
        break;
      }
      case "persistent_keepalive_interval": {
        const seconds = value.number(U16_MAX);
        this.#peer?.setPersistentKeepalive(seconds);
        break;
      }
      case "replace_allowed_ips":
        value.literal(TRUE);
        this.#peer?.removeAllAllowedIps();
        break;
      case "allowed_ip":
        this.#allowedIp(value);
        break;
      case "protocol_version":
        value.literal(PROTOCOL_VERSION);
        break;
      default:
        throw new UapiValueError(key);
    }
  }

  #allowedIp(value: Value): void {
    const remove = value.bytes[value.start] === MINUS && value.start < value.end;
    const start = remove ? value.start + 1 : value.start;
    const { address, prefix } = value.require(parsePrefix(value.bytes, start, value.end));
    if (remove) this.#peer?.removeAllowedIp(address, prefix);
    else this.#peer?.addAllowedIp(address, prefix);
  }

  #removePeer(): void {
    if (this.#peer !== undefined) this.#target.removePeer(this.#peer);
    this.#peer = undefined;
  }
}
