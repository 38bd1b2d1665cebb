/**
 * A file of secrets in the place of another in one step. While it is written only administrators and SYSTEM can open it; then ReplaceFileW gives
 * it the access control list of the one whose place it takes.
 */
import { existsSync, openSync, renameSync } from "node:fs";
import { KERNEL } from "../../ffi/windows/constants.ts";
import { FILE_SIGNATURES, REPLACE_SIGNATURES } from "../../ffi/windows/file-signatures.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import { withDescriptor } from "./security-descriptor.ts";

/** All access for SYSTEM and administrators, whatever the folder's list has. */
const ADMINISTRATORS_ALONE = "D:P(A;;FA;;;SY)(A;;FA;;;BA)";
/** Behind SECURITY_ATTRIBUTES. */
const OTHER_PATH_AT = 8192;

/** @returns a descriptor of a new file @throws WindowsError, also where there is one */
export function createSecretFile(win: Win32, path: string): number {
  const { CreateFileW } = win.system("kernel32.dll", FILE_SIGNATURES);
  const handle = withDescriptor(win, ADMINISTRATORS_ALONE, (attributes) =>
    CreateFileW(
      win.text(path),
      KERNEL.GENERIC_WRITE,
      KERNEL.FILE_SHARE_READ | KERNEL.FILE_SHARE_WRITE,
      win.base + BigInt(attributes()),
      KERNEL.CREATE_NEW,
      0,
      0n,
    ),
  );
  win.checkHandle("CreateFileW", handle, path);
  try {
    // While it is open as it is, nobody puts another in its place.
    return openSync(path, "r+");
  } finally {
    win.kernel.CloseHandle(handle);
  }
}

/** @throws WindowsError; the file is as it was then */
export function replaceFile(win: Win32, path: string, by: string): void {
  const { ReplaceFileW } = win.system("kernel32.dll", REPLACE_SIGNATURES);
  if (ReplaceFileW(win.text(path), win.text(by, OTHER_PATH_AT), 0, 0, 0n, 0n) !== 0) return;
  const error = new WindowsError("ReplaceFileW", win.lastError, path);
  if (existsSync(path)) throw error;
  // Its last step has failed, or there was none: the name is free.
  renameSync(by, path);
}
