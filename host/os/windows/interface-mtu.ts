/** The MTU of a wintun interface, by IP Helper: Windows makes it 65,535, and keeps one for each address family. */
import { ERROR, errorName, SOCKET } from "../../ffi/windows/constants.ts";
import { MIB_IPINTERFACE_ROW } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { Wintun } from "./wintun.ts";

/** @param bytes of the largest packet  @returns why it was not set, and what to do; a tunnel without it works, by ICMP errors */
export function setMtu(win: Win32, device: Wintun, bytes: number): string | undefined {
  const advice = `set it by: netsh interface ipv4 set subinterface "${device.name}" mtu=${bytes}`;
  try {
    const helper = win.ipHelper();
    const { at, bytes: scratch, view } = win.scratch;
    for (const family of [SOCKET.AF_INET, SOCKET.AF_INET6]) {
      scratch.fill(0, 0, MIB_IPINTERFACE_ROW.BYTES);
      view.setUint16(MIB_IPINTERFACE_ROW.family, family, true);
      device.writeLuid(at(MIB_IPINTERFACE_ROW.luid));
      let error = helper.GetIpInterfaceEntry(at(0));
      // This machine does without the family.
      if (error === ERROR.ERROR_NOT_FOUND) continue;
      view.setUint32(MIB_IPINTERFACE_ROW.mtu, bytes, true);
      // Windows refuses for IPv4 what it has told itself.
      if (family === SOCKET.AF_INET) view.setUint32(MIB_IPINTERFACE_ROW.sitePrefixLength, 0, true);
      error ||= helper.SetIpInterfaceEntry(at(0));
      if (error !== 0) return `the MTU stays what it is (${errorName(error)}): ${advice}`;
    }
    return undefined;
  } catch {
    return `the MTU stays what it is, for IP Helper lacks functions: ${advice}`;
  }
}
