/** A daemon does without all privileges but two, by a token that does as Windows' own do. */
import { expect, it } from "vitest";
import { ConfinementError } from "../../../../host/errors.ts";
import { ERROR, KERNEL } from "../../../../host/ffi/windows/constants.ts";
import { LUID_AND_ATTRIBUTES as ENTRY, TOKEN_PRIVILEGES } from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { WindowsError } from "../../../../host/ffi/windows/windows-errors.ts";
import { giveUpRights } from "../../../../host/os/windows/rights.ts";

/** Their numbers differ from machine to machine. */
const NUMBERS = new Map([
  ["SeDebugPrivilege", 20n],
  ["SeChangeNotifyPrivilege", 23n],
  ["SeTcbPrivilege", 0x1_0000_0007n],
  ["SeLoadDriverPrivilege", 10n],
]);
const KEY_MEMORY = { secretBytes: 0, lockedBytes: 0, lockedPeers: 0, identity: "locked" } as const;

/** @param call what Windows refuses, or says that it did */
function attempt(
  confined: boolean,
  call?: "OpenProcessToken" | "GetTokenInformation" | "AdjustTokenPrivileges" | "none",
) {
  const held = new Set(NUMBERS.values());
  const bytes = new Uint8Array(8192);
  const view = new DataView(bytes.buffer);
  const entry = (list: number, index: number): number => list + TOKEN_PRIVILEGES.first + index * ENTRY.BYTES;
  const open = new Set<number>();
  let text = "";
  const win = {
    scratch: { bytes, view, at: (position: number) => position },
    text(value: string) {
      text = value;
      return 0;
    },
    lastError: ERROR.ERROR_ACCESS_DENIED,
    kernel: { GetCurrentProcess: () => -1, CloseHandle: (handle: number) => Number(open.delete(handle)) },
    security: {
      OpenProcessToken(_process: number, access: number, at: number) {
        expect(access).toBe(KERNEL.TOKEN_QUERY | KERNEL.TOKEN_ADJUST_PRIVILEGES);
        if (call === "OpenProcessToken") return 0;
        open.add(7);
        view.setBigUint64(at, 7n, true);
        return 1;
      },
      LookupPrivilegeValueW(_system: number, _name: number, at: number) {
        const number = NUMBERS.get(text);
        if (number === undefined) return 0;
        view.setBigUint64(at, number, true);
        return 1;
      },
      GetTokenInformation(token: number, what: number, at: number, room: number, lengthAt: number) {
        if (call === "GetTokenInformation" || !open.has(token) || what !== KERNEL.TokenPrivileges) return 0;
        expect(room).toBeGreaterThan(entry(0, 40));
        view.setUint32(at + TOKEN_PRIVILEGES.count, held.size, true);
        for (const [index, number] of [...held].entries()) {
          view.setBigUint64(entry(at, index) + ENTRY.luid, number, true);
          view.setUint32(entry(at, index) + ENTRY.attributes, KERNEL.SE_PRIVILEGE_ENABLED, true);
        }
        view.setUint32(lengthAt, entry(0, held.size), true);
        return 1;
      },
      AdjustTokenPrivileges(token: number, all: number, at: number) {
        if (call === "AdjustTokenPrivileges" || !open.has(token) || all !== 0) return 0;
        for (let index = 0; index < view.getUint32(at + TOKEN_PRIVILEGES.count, true); index++) {
          const attributes = view.getUint32(entry(at, index) + ENTRY.attributes, true);
          if (attributes === KERNEL.SE_PRIVILEGE_REMOVED && call !== "none")
            held.delete(view.getBigUint64(entry(at, index) + ENTRY.luid, true));
        }
        return 1;
      },
    },
  } as unknown as Win32;
  const confinement = confined ? ({ socketRights: "keep", mayFail: [] } as const) : undefined;
  const give = () => giveUpRights(win, { confinement, files: [], threads: 1, log: () => {} }, KEY_MEMORY).capabilities;
  return { give, held: () => [...held], open: () => open.size };
}

it("keeps those that every user has, and that for drivers, and tells them", () => {
  const { give, held, open } = attempt(false);
  expect(give()).toEqual(["SeChangeNotifyPrivilege", "SeLoadDriverPrivilege"]);
  expect(held()).toEqual([23n, 10n]);
  expect(open()).toBe(0);
});

it.each([
  ["OpenProcessToken", /^OpenProcessToken: ERROR_ACCESS_DENIED$/],
  ["GetTokenInformation", /^GetTokenInformation: ERROR_ACCESS_DENIED$/],
  ["AdjustTokenPrivileges", /^AdjustTokenPrivileges: ERROR_ACCESS_DENIED$/],
  ["none", /^AdjustTokenPrivileges: ERROR_NOT_ALL_ASSIGNED$/],
] as const)("is no daemon that was refused it (%s)", (call, line) => {
  const { give, open } = attempt(false, call);
  expect(give).toThrow(WindowsError);
  expect(give).toThrow(line);
  expect(open()).toBe(0);
});

it("is the one step of confinement that Windows has", () => {
  const { give } = attempt(true);
  expect(give).toThrow(ConfinementError);
  expect(give).toThrow(/^(?!.*capabilities).*not on Windows/);
});
