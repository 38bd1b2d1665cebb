/** Who may do what with something that is made: a descriptor in text (SDDL), as the functions that make it take it. */
import { KERNEL } from "../../ffi/windows/constants.ts";
import { SECURITY_ATTRIBUTES } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";

/** Where what lies in the scratch buffer, behind a text at its start. */
const POINTER_AT = 2048;
const ATTRIBUTES_AT = 2064;

/** @param use is handed what writes SECURITY_ATTRIBUTES into the scratch buffer and returns its address @throws WindowsError */
export function withDescriptor<T>(win: Win32, text: string, use: (attributes: () => number) => T): T {
  const { at, view } = win.scratch;
  const convert = win.security.ConvertStringSecurityDescriptorToSecurityDescriptorW;
  if (convert(win.text(text), KERNEL.SDDL_REVISION_1, at(POINTER_AT), 0) === 0)
    throw new WindowsError("ConvertStringSecurityDescriptorToSecurityDescriptorW", win.lastError);
  const descriptor = view.getBigUint64(POINTER_AT, true);
  try {
    return use(() => {
      view.setUint32(ATTRIBUTES_AT + SECURITY_ATTRIBUTES.length, SECURITY_ATTRIBUTES.BYTES, true);
      view.setBigUint64(ATTRIBUTES_AT + SECURITY_ATTRIBUTES.descriptor, descriptor, true);
      view.setUint32(ATTRIBUTES_AT + SECURITY_ATTRIBUTES.inherit, 0, true);
      return at(ATTRIBUTES_AT);
    });
  } finally {
    win.kernel.LocalFree(descriptor);
  }
}
