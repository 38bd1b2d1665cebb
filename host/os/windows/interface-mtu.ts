/** The MTU of a wintun interface, by IP Helper: Windows makes it 65,535, and keeps one for each address family. */
import { errorName } from "../../ffi/windows/constants.ts";
import { MIB_IPINTERFACE_ROW } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { changeInterfaceRow } from "./interface-row.ts";
import type { Wintun } from "./wintun.ts";

/** @param bytes of the largest packet  @returns why it was not set, and what to do; a tunnel without it works, by ICMP errors */
export function setMtu(win: Win32, device: Pick<Wintun, "name" | "luid">, bytes: number): string | undefined {
  const advice = `set it by: netsh interface ipv4 set subinterface "${device.name}" mtu=${bytes}`;
  try {
    const helper = win.ipHelper();
    for (const family of [4, 6] as const) {
      const change = (row: DataView): void => row.setUint32(MIB_IPINTERFACE_ROW.mtu, bytes, true);
      const error = changeInterfaceRow(win, helper, device.luid, family, change);
      if (error !== 0) return `the MTU stays what it is (${errorName(error)}): ${advice}`;
    }
    return undefined;
  } catch {
    return `the MTU stays what it is, for IP Helper lacks functions: ${advice}`;
  }
}
