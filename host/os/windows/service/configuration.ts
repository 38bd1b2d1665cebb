/** What a service is told at install beside how it starts (ChangeServiceConfig2W): each is a struct, written where the scratch buffer begins. */
import { ERROR, SERVICE } from "../../../ffi/windows/constants.ts";
import { SC_ACTION, SERVICE_FAILURE_ACTIONS } from "../../../ffi/windows/layout.ts";
import type { ServiceCalls, Win32 } from "../../../ffi/windows/win32.ts";
import { WindowsError } from "../../../ffi/windows/windows-errors.ts";

const DESCRIPTION = "A WireGuard tunnel of wasmguard's";

/** How long after each failure it is started again. After those, not by itself: one that cannot run does not go on for ever. */
const RESTARTS_AFTER_MS = [1000, 5000, 30_000] as const;
/** Without a failure for so long, the next one is the first again. */
const FORGIVEN_AFTER_SECONDS = 86_400;

/** What a struct leads to lies behind it. */
const BEHIND = 512;

/**
 * It starts with all of LocalSystem's privileges, which the daemon gives up later (../rights.ts): a list of required ones would be in force before there
 * is an adapter, and which ones the driver's installation wants only Windows can show.
 * @throws WindowsError but where Windows, or what stands for it, knows no such thing
 */
export function configureService(win: Win32, calls: ServiceCalls, service: bigint): void {
  const { view, at } = win.scratch;
  const change = (level: number): void => {
    if (calls.ChangeServiceConfig2W(service, level, at(0)) !== 0) return;
    const error = win.lastError;
    if (error !== ERROR.ERROR_INVALID_LEVEL) throw new WindowsError("ChangeServiceConfig2W", error, `${level}`);
  };
  view.setBigUint64(0, win.base + BigInt(win.text(DESCRIPTION, BEHIND)), true);
  change(SERVICE.SERVICE_CONFIG_DESCRIPTION);
  writeRestarts(win);
  change(SERVICE.SERVICE_CONFIG_FAILURE_ACTIONS);
  // Also one that ended in order, but with an error: the network may come later than the service does.
  view.setUint32(0, 1, true);
  change(SERVICE.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG);
  // A name of its own (NT SERVICE\wasmguard-NAME), by which rules of a firewall and access control lists can tell it from other services.
  view.setUint32(0, SERVICE.SERVICE_SID_TYPE_UNRESTRICTED, true);
  change(SERVICE.SERVICE_CONFIG_SERVICE_SID_INFO);
}

function writeRestarts({ base, scratch }: Win32): void {
  const { bytes, view, at } = scratch;
  const { SC_ACTION_NONE, SC_ACTION_RESTART } = SERVICE;
  const restarts = RESTARTS_AFTER_MS.map((afterMs) => [SC_ACTION_RESTART, afterMs] as const);
  // The last one is for all failures that follow, too.
  const actions = [...restarts, [SC_ACTION_NONE, 0] as const];
  bytes.fill(0, 0, SERVICE_FAILURE_ACTIONS.BYTES);
  view.setUint32(SERVICE_FAILURE_ACTIONS.resetPeriod, FORGIVEN_AFTER_SECONDS, true);
  view.setUint32(SERVICE_FAILURE_ACTIONS.count, actions.length, true);
  view.setBigUint64(SERVICE_FAILURE_ACTIONS.actions, base + BigInt(at(BEHIND)), true);
  for (const [index, [type, afterMs]] of actions.entries()) {
    const action = BEHIND + index * SC_ACTION.BYTES;
    view.setUint32(action + SC_ACTION.type, type, true);
    view.setUint32(action + SC_ACTION.delay, afterMs, true);
  }
}
