/**
 * Privileges of this process: what it may do whatever access control lists say (winnt.h: TOKEN_PRIVILEGES). All processes of an account start
 * with the account's, most of them switched off; each can switch its own on and off, and do without them for good.
 */
import { ERROR, KERNEL } from "../../ffi/windows/constants.ts";
import { LUID_AND_ATTRIBUTES as ENTRY, TOKEN_PRIVILEGES } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";

/** Where what lies in the scratch buffer, behind a name at its start. */
const AT = { token: 2048, length: 2056, luid: 2064, privileges: 2080 } as const;
/** There are three dozen kinds. */
const PRIVILEGES_BYTES = 4096;

/** As far as Windows allows it: whether it was needed, what needs it tells. */
export function switchPrivilege(win: Win32, name: string, to: "on" | "off"): void {
  const luid = luidOf(win, name);
  const token = openToken(win);
  if (token === undefined) return;
  const { at, view } = win.scratch;
  if (luid !== undefined) {
    const first = AT.privileges + TOKEN_PRIVILEGES.first;
    view.setUint32(AT.privileges + TOKEN_PRIVILEGES.count, 1, true);
    view.setBigUint64(first + ENTRY.luid, luid, true);
    view.setUint32(first + ENTRY.attributes, to === "on" ? KERNEL.SE_PRIVILEGE_ENABLED : 0, true);
    win.security.AdjustTokenPrivileges(token, 0, at(AT.privileges), 0, 0, 0);
  }
  win.kernel.CloseHandle(token);
}

/**
 * Have no others from now on, which cannot be undone.
 * @param kept names; what the process does not have it does not get
 * @returns those that it has @throws WindowsError where it is refused, or another one stays
 */
export function keepOnlyPrivileges(win: Win32, kept: readonly string[]): string[] {
  const names = new Map(kept.map((name) => [luidOf(win, name), name]));
  const token = openToken(win);
  if (token === undefined) throw new WindowsError("OpenProcessToken", win.lastError);
  const { at, view } = win.scratch;
  const nameAt = (entry: number): string | undefined => names.get(view.getBigUint64(entry + ENTRY.luid, true));
  try {
    for (const entry of readEntries(win, token))
      if (nameAt(entry) === undefined) view.setUint32(entry + ENTRY.attributes, KERNEL.SE_PRIVILEGE_REMOVED, true);
    if (win.security.AdjustTokenPrivileges(token, 0, at(AT.privileges), 0, 0, 0) === 0)
      throw new WindowsError("AdjustTokenPrivileges", win.lastError);
    return readEntries(win, token).map((entry) => {
      const name = nameAt(entry);
      if (name === undefined) throw new WindowsError("AdjustTokenPrivileges", ERROR.ERROR_NOT_ALL_ASSIGNED);
      return name;
    });
  } finally {
    win.kernel.CloseHandle(token);
  }
}

/** @returns where each of the token's privileges lies in the scratch buffer, behind their number @throws WindowsError */
function readEntries(win: Win32, token: number): number[] {
  const { at, view } = win.scratch;
  const read = win.security.GetTokenInformation;
  if (read(token, KERNEL.TokenPrivileges, at(AT.privileges), PRIVILEGES_BYTES, at(AT.length)) === 0)
    throw new WindowsError("GetTokenInformation", win.lastError);
  const count = view.getUint32(AT.privileges + TOKEN_PRIVILEGES.count, true);
  return Array.from({ length: count }, (_, index) => AT.privileges + TOKEN_PRIVILEGES.first + index * ENTRY.BYTES);
}

/** The number of a privilege, until this machine starts anew. @returns undefined where Windows knows none of that name */
function luidOf(win: Win32, name: string): bigint | undefined {
  const { at, view } = win.scratch;
  if (win.security.LookupPrivilegeValueW(0, win.text(name), at(AT.luid)) === 0) return undefined;
  return view.getBigUint64(AT.luid, true);
}

/** @returns a handle to close; undefined where it is refused */
function openToken(win: Win32): number | undefined {
  const { at, view } = win.scratch;
  const access = KERNEL.TOKEN_ADJUST_PRIVILEGES | KERNEL.TOKEN_QUERY;
  if (win.security.OpenProcessToken(win.kernel.GetCurrentProcess(), access, at(AT.token)) === 0) return undefined;
  return Number(view.getBigUint64(AT.token, true));
}
