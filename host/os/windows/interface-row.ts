/** What an interface does with one address family, by IP Helper: read, changed and written back, as Windows wants it. */
import { ERROR } from "../../ffi/windows/constants.ts";
import { MIB_IPINTERFACE_ROW as ROW } from "../../ffi/windows/layout.ts";
import type { IpHelperCalls, Win32 } from "../../ffi/windows/win32.ts";
import { type Family, systemFamily } from "./inet-address.ts";

/** The present row in the scratch buffer. @param which by its LUID, or its index @returns 0, or the error (ERROR_NOT_FOUND: not in this family) */
export function readInterfaceRow(
  win: Win32,
  helper: IpHelperCalls,
  which: { readonly luid: bigint } | { readonly index: number },
  family: Family,
): number {
  const { at, bytes, view } = win.scratch;
  bytes.fill(0, 0, ROW.BYTES);
  view.setUint16(ROW.family, systemFamily(family), true);
  if ("luid" in which) view.setBigUint64(ROW.luid, which.luid, true);
  else view.setUint32(ROW.index, which.index, true);
  return helper.GetIpInterfaceEntry(at(0));
}

/** @param change of the row at the start of the scratch buffer @returns 0, also where this machine does without the family; or the error */
export function changeInterfaceRow(
  win: Win32,
  helper: IpHelperCalls,
  luid: bigint,
  family: Family,
  change: (row: DataView) => void,
): number {
  const { at, view } = win.scratch;
  const error = readInterfaceRow(win, helper, { luid }, family);
  if (error === ERROR.ERROR_NOT_FOUND) return 0;
  if (error !== 0) return error;
  change(view);
  // Windows refuses for IPv4 what it has told itself.
  if (family === 4) view.setUint32(ROW.sitePrefixLength, 0, true);
  return helper.SetIpInterfaceEntry(at(0));
}
