/** Allowed IPs of a peer, between network-order bytes and the two u64 that the core's trie works with. */
import type { AllowedIp } from "../address/allowed-ip.ts";
import type { Core } from "../core/core.ts";
import { RouteLimitError } from "../errors.ts";

export type { AllowedIp };

function split(address: Uint8Array): { family: number; high: bigint; low: bigint } {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  if (address.length === 4) return { family: 4, high: BigInt(view.getUint32(0)) << 32n, low: 0n };
  return { family: 6, high: view.getBigUint64(0), low: view.getBigUint64(8) };
}

/** @throws RouteLimitError */
export function addAllowedIp(core: Core, slot: number, address: Uint8Array, prefix: number): void {
  const { family, high, low } = split(address);
  if (!core.exports.addRoute(family, high, low, prefix, slot)) throw new RouteLimitError();
}

export function removeAllowedIp(core: Core, slot: number, address: Uint8Array, prefix: number): void {
  const { family, high, low } = split(address);
  core.exports.removeRoute(family, high, low, prefix, slot);
}

/** In order of insertion. A walk that is interrupted by changes may miss or repeat entries, but ends. */
export function* allowedIps(core: Core, slot: number): Generator<AllowedIp, undefined> {
  // Node numbers are reused: a change under way can only send the walk along another peer's list, so bound it.
  let left = core.exports.routesInUse();
  for (let route = core.exports.firstRoute(slot); route !== 0 && left > 0; route = core.exports.nextRoute(route)) {
    left -= 1;
    const kind = core.exports.routeKind(route);
    const out = core.at.exchange;
    core.exports.routeAddress(route, out);
    yield {
      address: Uint8Array.from(core.bytes.subarray(out, out + (kind >>> 8 === 4 ? 4 : 16))),
      prefix: kind & 0xff,
    };
  }
  return undefined;
}
