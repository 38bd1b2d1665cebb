/**
 * Where the tunnel's own datagrams leave while its routes take everything: through the interface of the best other default route, as in
 * WireGuard for Windows. Otherwise they would be sealed once more, for ever.
 */
import { MIB_IPFORWARD_ROW2, MIB_IPINTERFACE_ROW } from "../../ffi/windows/layout.ts";
import type { IpHelperCalls, Win32 } from "../../ffi/windows/win32.ts";
import { type Family, readInetAddress } from "./inet-address.ts";
import { readInterfaceRow } from "./interface-row.ts";
import { tableRows } from "./mib-table.ts";

/** "any": where routes lead; "nowhere": there is only the tunnel; or the index of an interface. */
export type Outer = "any" | "nowhere" | number;

/** First bytes of the prefixes of one bit, which some take for a default route so that the machine's own one stays. */
const HALVES = [0x00, 0x80];

/** <ipifcons.h>: what wintun's interfaces are, and those of WireGuard's own driver. */
const IF_TYPE_PROP_VIRTUAL = 53n;

/** Whether an interface is another tunnel, perhaps with a default route of its own: each would send by the other, for ever. */
const isTunnel = (luid: bigint): boolean => luid >> 48n === IF_TYPE_PROP_VIRTUAL;

interface Way {
  readonly index: number;
  readonly metric: number;
}

/** @throws WindowsError */
export function outerInterface(win: Win32, luid: bigint, family: Family): Outer {
  const ROW = MIB_IPFORWARD_ROW2;
  const { bytes, view } = win.scratch;
  const halves = new Set<number>();
  const others: Way[] = [];
  for (const _ of tableRows(win, "GetIpForwardTable2", family, ROW.BYTES)) {
    const prefix = bytes[ROW.prefixLength]!;
    if (prefix > 1) continue;
    const by = view.getBigUint64(ROW.luid, true);
    if (by !== luid) {
      if (prefix === 0 && !isTunnel(by))
        others.push({ index: view.getUint32(ROW.index, true), metric: view.getUint32(ROW.metric, true) });
    } else if (prefix === 0) for (const half of HALVES) halves.add(half);
    else halves.add(readInetAddress(win.scratch, ROW.prefix)?.[0] ?? 0);
  }
  if (halves.size < HALVES.length) return "any";
  const ways = others.flatMap((way) => connected(win, way, family) ?? []).sort((a, b) => a.metric - b.metric);
  return ways[0]?.index ?? "nowhere";
}

/** With the interface's own metric. @returns undefined for one that leads nowhere at the moment */
function connected(win: Win32, way: Way, family: Family): Way | undefined {
  let helper: IpHelperCalls;
  try {
    helper = win.ipHelper();
  } catch {
    // Wine does not tell.
    return way;
  }
  if (readInterfaceRow(win, helper, way, family) !== 0) return undefined;
  const { bytes, view } = win.scratch;
  if (bytes[MIB_IPINTERFACE_ROW.connected] === 0) return undefined;
  return { index: way.index, metric: way.metric + view.getUint32(MIB_IPINTERFACE_ROW.metric, true) };
}
