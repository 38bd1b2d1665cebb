/** The figures of a peer, out of linear memory. */

import { formatEndpoint } from "../address/endpoint-text.ts";
import { formatAddress } from "../address/ip.ts";
import type { Core } from "../core/core.ts";
import type { Peer } from "../engine/peer.ts";
import { system } from "../event/system.ts";
import type { PeerStatistics } from "./device-statistics.ts";

const KEY_BYTES = 32;

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
export function publicKeyOfPeer(core: Core, peer: Peer): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(core.bytes.subarray(peer.publicKey, peer.publicKey + KEY_BYTES));
}

export function endpointText(peer: Peer): string | undefined {
  const endpoint = peer.endpoint();
  return endpoint && formatEndpoint(endpoint, system().zones);
}
