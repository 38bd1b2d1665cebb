/** What a device tells about itself, as plain objects; taken at one moment, they do not change. */
import type { Core } from "../../core/core.ts";
import type { DropReason } from "../../device/drop-reason.ts";
import type { Peer } from "../../device/peer.ts";
import { formatEndpoint } from "../../uapi/endpoint.ts";
import { formatAddress } from "../../uapi/ip.ts";
import { systemZones } from "./zones.ts";

const KEY_BYTES = 32;

export interface PeerStatistics {
  readonly publicKey: Uint8Array;
  /** As `192.0.2.1:51820` or `[2001:db8::1]:51820`; undefined until it is known. */
  readonly endpoint: string | undefined;
  readonly allowedIps: readonly string[];
  /** Undefined before the first. */
  readonly lastHandshake: Date | undefined;
  /** Bytes of authenticated messages that came. */
  readonly rxBytes: bigint;
  /** Bytes of messages sent. */
  readonly txBytes: bigint;
  /** Seconds; 0 when off. */
  readonly persistentKeepalive: number;
}

export interface DeviceStatistics {
  /** In the order in which they were added. */
  readonly peers: readonly PeerStatistics[];
  /** Packets dropped since the device was made, by reason; `tun`: the Tun did not take them. */
  readonly drops: Readonly<Record<DropReason | "tun", bigint>>;
}

export function peerStatistics(core: Core, peer: Peer): PeerStatistics {
  const { seconds, nanoseconds } = peer.lastHandshake();
  const routes = { [Symbol.iterator]: () => peer.allowedIps() };
  return {
    publicKey: publicKeyOfPeer(core, peer),
    endpoint: endpointText(peer),
    allowedIps: Array.from(routes, ({ address, prefix }) => `${formatAddress(address)}/${prefix}`),
    lastHandshake: seconds === 0 ? undefined : new Date(seconds * 1000 + nanoseconds / 1_000_000),
    rxBytes: peer.rxBytes(),
    txBytes: peer.txBytes(),
    persistentKeepalive: peer.persistentKeepalive(),
  };
}

/** @returns a copy */
export function publicKeyOfPeer(core: Core, peer: Peer): Uint8Array {
  return core.bytes.slice(peer.publicKey, peer.publicKey + KEY_BYTES);
}

export function endpointText(peer: Peer): string | undefined {
  const endpoint = peer.endpoint();
  return endpoint && formatEndpoint(endpoint, systemZones);
}
