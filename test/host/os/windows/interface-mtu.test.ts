/** The MTU by IP Helper, against one in memory: Wine has none. */
import { describe, expect, it } from "vitest";
import { ERROR, SOCKET } from "../../../../host/ffi/windows/constants.ts";
import { MIB_IPINTERFACE_ROW as ROW } from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { setMtu } from "../../../../host/os/windows/interface-mtu.ts";

const LUID = 0x35_0000_07_000000n;
/** What Windows has there for IPv4, and refuses when it is handed back. */
const SITE_PREFIX = 64;

interface Answers {
  readonly get?: number;
  readonly set?: number;
  readonly lacks?: "IPv6" | "functions";
}

/** @returns what was said, and the MTU of each family that was set */
function attempt({ get = 0, set = 0, lacks }: Answers) {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  const mtus: Record<number, number> = {};
  const familyOf = (row: number): number => view.getUint16(row + ROW.family, true);
  const helper = {
    GetIpInterfaceEntry(row: number) {
      expect(view.getBigUint64(row + ROW.luid, true)).toBe(LUID);
      if (lacks === "IPv6" && familyOf(row) === SOCKET.AF_INET6) return ERROR.ERROR_NOT_FOUND;
      view.setUint32(row + ROW.sitePrefixLength, SITE_PREFIX, true);
      view.setUint32(row + ROW.mtu, 65_535, true);
      return get;
    },
    SetIpInterfaceEntry(row: number) {
      const isIpv4 = familyOf(row) === SOCKET.AF_INET;
      expect(view.getUint32(row + ROW.sitePrefixLength, true)).toBe(isIpv4 ? 0 : SITE_PREFIX);
      if (set === 0) mtus[familyOf(row)] = view.getUint32(row + ROW.mtu, true);
      return set;
    },
  };
  const win = {
    scratch: { bytes, view, at: (position: number) => position },
    ipHelper: () => {
      if (lacks === "functions") throw new Error("no such function");
      return helper;
    },
  };
  const device = { name: "wg0", luid: LUID };
  return { said: setMtu(win as unknown as Win32, device, 1420), mtus };
}

const NETSH = 'set it by: netsh interface ipv4 set subinterface "wg0" mtu=1420';

describe("the MTU", () => {
  it("is set for both families", () => {
    expect(attempt({})).toEqual({ said: undefined, mtus: { [SOCKET.AF_INET]: 1420, [SOCKET.AF_INET6]: 1420 } });
  });

  it("is set for the one that there is", () => {
    expect(attempt({ lacks: "IPv6" })).toEqual({ said: undefined, mtus: { [SOCKET.AF_INET]: 1420 } });
  });

  it.each([{ get: ERROR.ERROR_ACCESS_DENIED }, { set: ERROR.ERROR_ACCESS_DENIED }])(
    "$get $set: says why not",
    (answers) => {
      expect(attempt(answers)).toEqual({ said: `the MTU stays what it is (ERROR_ACCESS_DENIED): ${NETSH}`, mtus: {} });
    },
  );

  it("says that there is no way to set it", () => {
    expect(attempt({ lacks: "functions" }).said).toBe(
      `the MTU stays what it is, for IP Helper lacks functions: ${NETSH}`,
    );
  });
});
