/**
 * The named pipe that programs of WireGuard look for on Windows (ipc/uapi_windows.go of wireguard-go, ipc-uapi-windows.h of wireguard-tools):
 * its name, which only administrators can make, and its security descriptor, which gives it to SYSTEM and lets administrators in.
 */
import { SocketInUseError } from "../../errors.ts";
import { ERROR, KERNEL } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { AdministratorError, WindowsError } from "../../ffi/windows/windows-errors.ts";
import { switchPrivilege } from "./privileges.ts";
import { withDescriptor } from "./security-descriptor.ts";

/** Owner SYSTEM; all access for SYSTEM and administrators, for nobody else; nothing for processes of lower integrity. */
const DESCRIPTOR = "O:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)S:(ML;;NWNRNX;;;HI)";
/** Without it nothing can be given to another owner. Administrators have it, switched off. */
const RESTORE = "SeRestorePrivilege";
const BUFFER_BYTES = 65_536;

/** @param count how many clients there can be at a time @returns handles of as many instances @throws SocketInUseError, AdministratorError, WindowsError */
export function makePipes(win: Win32, path: string, count: number): number[] {
  switchPrivilege(win, RESTORE, "on");
  try {
    return makeInstances(win, path, count);
  } finally {
    // Nothing else needs it, whatever it was before.
    switchPrivilege(win, RESTORE, "off");
  }
}

function makeInstances(win: Win32, path: string, count: number): number[] {
  const handles: number[] = [];
  try {
    return withDescriptor(win, DESCRIPTOR, (attributes) => {
      while (handles.length < count) handles.push(makeInstance(win, path, count, attributes(), handles.length));
      return handles;
    });
  } catch (error) {
    for (const handle of handles) win.kernel.CloseHandle(handle);
    throw error;
  }
}

function makeInstance(win: Win32, path: string, count: number, attributes: number, index: number): number {
  // Nobody else may have made the name before us.
  const first = index === 0 ? KERNEL.FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
  const access = KERNEL.PIPE_ACCESS_DUPLEX | KERNEL.FILE_FLAG_OVERLAPPED | first;
  const make = win.kernel.CreateNamedPipeW;
  const local = KERNEL.PIPE_REJECT_REMOTE_CLIENTS;
  const handle = make(win.text(path), access, local, count, BUFFER_BYTES, BUFFER_BYTES, 0, attributes);
  if (handle !== -1) return handle;
  const error = new WindowsError("CreateNamedPipeW", win.lastError, path);
  const codes: number[] = [ERROR.ERROR_INVALID_OWNER, ERROR.ERROR_PRIVILEGE_NOT_HELD];
  if (codes.includes(error.number)) throw new AdministratorError("give the control pipe to SYSTEM", error);
  const taken: number[] = [ERROR.ERROR_ACCESS_DENIED, ERROR.ERROR_PIPE_BUSY];
  throw index === 0 && taken.includes(error.number) ? new SocketInUseError(path) : error;
}
