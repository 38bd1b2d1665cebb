/**
 * What a daemon gives up on Windows once interface and control pipe are there: its privileges, at the moment at which WireGuard for Windows does so
 * (tunnel/service.go). It does without them whatever else confines it, as nothing does there: what its account's groups may do it still can.
 */
import type { ConfinementStatus, KeyMemory } from "../../confine/confinement-status.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { RightsRequest } from "../machine.ts";
import { type LackingSystem, unconfined } from "../unconfined.ts";
import { keepOnlyPrivileges } from "./privileges.ts";

export const WINDOWS: LackingSystem = { name: "Windows", taken: ["capabilities"] };

/** To remove the interface at the end; and to pass through folders to files below them, which every user may. */
const KEPT = ["SeLoadDriverPrivilege", "SeChangeNotifyPrivilege"] as const;

/** @throws ConfinementError, WindowsError */
export function giveUpRights(win: Win32, request: RightsRequest, keyMemory: KeyMemory): ConfinementStatus {
  const status = unconfined(WINDOWS, request, keyMemory);
  return { ...status, capabilities: keepOnlyPrivileges(win, KEPT) };
}
