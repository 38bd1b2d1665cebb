/** Whether this process has an administrator's rights, and not just a user who could have them: of such a one the group only denies. */
import { KERNEL } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";

const GROUP_AT = 0;
const LENGTH_AT = 96;
const ANSWER_AT = 104;

/** Where Windows does not tell it is taken for granted: what is refused later says so. */
export function isAdministrator({ security, scratch }: Win32): boolean {
  const { at, view } = scratch;
  view.setUint32(LENGTH_AT, KERNEL.SECURITY_MAX_SID_SIZE, true);
  if (security.CreateWellKnownSid(KERNEL.WinBuiltinAdministratorsSid, 0, at(GROUP_AT), at(LENGTH_AT)) === 0)
    return true;
  return security.CheckTokenMembership(0, at(GROUP_AT), at(ANSWER_AT)) === 0 || view.getInt32(ANSWER_AT, true) !== 0;
}
