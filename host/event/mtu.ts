/** How large a packet inside of the tunnel may be. */
import { checkInteger, readOptions } from "./options.ts";

/** What fits through every path with an MTU of 1500 once WireGuard, UDP and IPv6 have taken their part. */
export const MTU_DEFAULT = 1420;
/** What every IPv4 link carries (RFC 791), and the largest IP packet. */
const MTU_MIN = 68;
const MTU_MAX = 65_535;

export interface TunOptions {
  /** Largest packet in bytes; 1420 by default. */
  readonly mtu?: number | undefined;
}

/** @throws OptionError */
export function checkMtu(mtu: unknown): number | undefined {
  if (mtu !== undefined) checkInteger("mtu", mtu, MTU_MIN, MTU_MAX);
  return mtu;
}

/** @throws OptionError */
export function readMtu(options: TunOptions): number | undefined {
  return checkMtu(readOptions("options", options, ["mtu"]).mtu);
}
