/**
 * Default address selection (RFC 6724): which address of ours to send from, and in which order to try those of a peer. The rules
 * that need interfaces, temporary addresses or mobility have nothing to decide here.
 */
import type { IpAddress } from "../address.ts";

const GLOBAL = 14;
const LINK_LOCAL = 2;

/** RFC 6724 §3.1, §3.2. Private IPv4 addresses are global. */
function scopeOf(address: IpAddress): number {
  const { w0, w3 } = address;
  if (address.loopback) return LINK_LOCAL;
  if (address.family === 4) return w3 >>> 16 === 0xa9fe ? LINK_LOCAL : GLOBAL;
  if (w0 >>> 24 === 0xff) return (w0 >>> 16) & 15;
  if (w0 >>> 22 === 0xfe80 >>> 6) return LINK_LOCAL;
  if (w0 >>> 22 === 0xfec0 >>> 6) return 5;
  return GLOBAL;
}

export interface Policy {
  readonly precedence: number;
  readonly label: number;
}

/** The default policy table (RFC 6724 §2.1). */
function policyOf(address: IpAddress): Policy {
  const { w0, w1, w2 } = address;
  if (address.family === 4) return { precedence: 35, label: 4 };
  if (address.loopback) return { precedence: 50, label: 0 };
  if (w0 === 0 && w1 === 0 && w2 === 0) return { precedence: 1, label: 3 };
  if (w0 === 0x2001_0000) return { precedence: 5, label: 5 };
  if (w0 >>> 16 === 0x2002) return { precedence: 30, label: 2 };
  if (w0 >>> 16 === 0x3ffe) return { precedence: 1, label: 12 };
  if (w0 >>> 22 === 0xfec0 >>> 6) return { precedence: 1, label: 11 };
  if (w0 >>> 25 === 0xfc >>> 1) return { precedence: 3, label: 13 };
  return { precedence: 40, label: 1 };
}

/** Leading bits that two addresses of one family have in common; of IPv6 addresses no more than a network's 64. */
function commonBits(a: IpAddress, b: IpAddress): number {
  if (a.family === 4) return Math.clz32(a.w3 ^ b.w3);
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  return 32 + Math.clz32(a.w1 ^ b.w1);
}

/** Of the destination's family, by the rules 1, 2, 6 and 8 (§5); equal ones in the order they were given in. */
export function selectSource(own: readonly IpAddress[], destination: IpAddress): IpAddress | undefined {
  let best: IpAddress | undefined;
  for (const candidate of own) {
    if (candidate.family !== destination.family) continue;
    if (best === undefined || isBetterSource(candidate, best, destination)) best = candidate;
  }
  return best;
}

function isBetterSource(candidate: IpAddress, best: IpAddress, destination: IpAddress): boolean {
  const same = candidate.equals(destination);
  if (same !== best.equals(destination)) return same;
  const [scope, bestScope, wanted] = [scopeOf(candidate), scopeOf(best), scopeOf(destination)];
  if (scope !== bestScope) return scope < bestScope ? scope >= wanted : bestScope < wanted;
  const { label } = policyOf(destination);
  const labelled = policyOf(candidate).label === label;
  if (labelled !== (policyOf(best).label === label)) return labelled;
  return commonBits(candidate, destination) > commonBits(best, destination);
}

interface Candidate {
  readonly destination: IpAddress;
  readonly source: IpAddress | undefined;
}

/** By the rules 1, 2, 5, 6, 8 and 9 (§6), usable ones first; equal ones stay in the order of the answer. */
export function sortDestinations(destinations: readonly IpAddress[], own: readonly IpAddress[]): IpAddress[] {
  return destinations
    .map((destination): Candidate => ({ destination, source: selectSource(own, destination) }))
    .sort(compareDestinations)
    .map(({ destination }) => destination);
}

function compareDestinations(a: Candidate, b: Candidate): number {
  if (a.source === undefined || b.source === undefined)
    return Number(a.source === undefined) - Number(b.source === undefined);
  const [scope, otherScope] = [scopeOf(a.destination), scopeOf(b.destination)];
  const mismatch = Number(scope !== scopeOf(a.source)) - Number(otherScope !== scopeOf(b.source));
  if (mismatch !== 0) return mismatch;
  const [policy, other] = [policyOf(a.destination), policyOf(b.destination)];
  const labels = Number(policy.label !== policyOf(a.source).label) - Number(other.label !== policyOf(b.source).label);
  if (labels !== 0) return labels;
  if (policy.precedence !== other.precedence) return other.precedence - policy.precedence;
  if (scope !== otherScope) return scope - otherScope;
  // Rule 9 for IPv6 only: for IPv4 it would undo the order that a server chose to spread load (§10.2 of RFC 6724's history).
  if (a.destination.family !== 6 || b.destination.family !== 6) return 0;
  return commonBits(b.source, b.destination) - commonBits(a.source, a.destination);
}
