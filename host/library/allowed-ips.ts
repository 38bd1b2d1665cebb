/** Gives a peer another list of allowed IPs: the whole of it, or, when there is no room, nothing changes for any peer. */
import type { Core } from "../core/core.ts";
import type { AllowedIp } from "../engine/allowed-ips.ts";
import type { Peer } from "../engine/peer.ts";

/** A prefix takes a node of the trie, and where it parts from others a second one. */
const NODES_MAX = 2;

/**
 * @param peers  all of the device: those that have a prefix of the list lose it
 * @throws RouteLimitError; all peers have what they had then
 */
export function replaceAllowedIps(core: Core, peers: Iterable<Peer>, peer: Peer, list: readonly AllowedIp[]): void {
  const surelyFits = core.exports.routesInUse() + NODES_MAX * list.length <= core.maxRoutes;
  const before = surelyFits ? undefined : Array.from(peers, listOf);
  try {
    assign({ peer, list });
  } catch (error) {
    // How many nodes there are depends on the set of prefixes alone, so what had room has room again.
    for (const { peer: each } of before ?? []) each.removeAllAllowedIps();
    for (const each of before ?? []) assign(each);
    throw error;
  }
}

interface PeerList {
  readonly peer: Peer;
  readonly list: readonly AllowedIp[];
}

function listOf(peer: Peer): PeerList {
  const list: AllowedIp[] = [];
  const walk = peer.allowedIps();
  for (let step = walk.next(); step.done !== true; step = walk.next()) list.push(step.value);
  return { peer, list };
}

function assign({ peer, list }: PeerList): void {
  peer.removeAllAllowedIps();
  for (const { address, prefix } of list) peer.addAllowedIp(address, prefix);
}
