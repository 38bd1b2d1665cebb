/** Whether Windows trusts the signature of a file (Authenticode, by WinVerifyTrust). Nothing is shown to anybody, and nothing asked of the network. */
import { GENERIC_VERIFY_V2, TRUST } from "../../ffi/windows/constants.ts";
import { TRUST_SIGNATURES } from "../../ffi/windows/file-signatures.ts";
import { WINTRUST_DATA, WINTRUST_FILE_INFO } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";

/** Where what lies in the scratch buffer, behind the path. */
const GUID_AT = 2048;
const FILE_AT = 2064;
const DATA_AT = 2112;
/** INVALID_HANDLE_VALUE: there is no user at the moment. */
const NO_WINDOW = -1;

export type Signature = "trusted" | "none" | { readonly fault: string };

/** No signature, and what is no program at all. */
const UNSIGNED: ReadonlySet<number> = new Set([TRUST.TRUST_E_NOSIGNATURE, TRUST.TRUST_E_SUBJECT_FORM_UNKNOWN]);
const FAULTS: Readonly<Record<number, string>> = {
  [TRUST.TRUST_E_BAD_DIGEST]: "was changed after it was signed",
  [TRUST.TRUST_E_EXPLICIT_DISTRUST]: "is signed by somebody whom this machine distrusts",
  [TRUST.CERT_E_UNTRUSTEDROOT]: "is signed by somebody whom this machine does not know",
  [TRUST.CERT_E_EXPIRED]: "has a signature that has expired",
};

/** @param handle of the file, open, so that it is this one that is loaded afterwards */
export function signatureOf(win: Win32, path: string, handle: number): Signature {
  const { bytes, view, at } = win.scratch;
  const pointer = (position: number, to: number): void => view.setBigUint64(position, win.base + BigInt(to), true);
  bytes.fill(0, GUID_AT, DATA_AT + WINTRUST_DATA.BYTES);
  bytes.set(GENERIC_VERIFY_V2, GUID_AT);
  view.setUint32(FILE_AT + WINTRUST_FILE_INFO.size, WINTRUST_FILE_INFO.BYTES, true);
  pointer(FILE_AT + WINTRUST_FILE_INFO.path, win.text(path));
  view.setBigUint64(FILE_AT + WINTRUST_FILE_INFO.handle, BigInt(handle), true);
  view.setUint32(DATA_AT + WINTRUST_DATA.size, WINTRUST_DATA.BYTES, true);
  view.setUint32(DATA_AT + WINTRUST_DATA.interface, TRUST.WTD_UI_NONE, true);
  view.setUint32(DATA_AT + WINTRUST_DATA.choice, TRUST.WTD_CHOICE_FILE, true);
  pointer(DATA_AT + WINTRUST_DATA.file, at(FILE_AT));
  view.setUint32(DATA_AT + WINTRUST_DATA.flags, TRUST.WTD_CACHE_ONLY_URL_RETRIEVAL, true);
  const { WinVerifyTrust } = win.system("wintrust.dll", TRUST_SIGNATURES);
  const run = (action: number): number => {
    view.setUint32(DATA_AT + WINTRUST_DATA.action, action, true);
    return WinVerifyTrust(NO_WINDOW, at(GUID_AT), at(DATA_AT)) >>> 0;
  };
  const error = run(TRUST.WTD_STATEACTION_VERIFY);
  run(TRUST.WTD_STATEACTION_CLOSE);
  if (error === 0) return "trusted";
  if (UNSIGNED.has(error)) return "none";
  return { fault: FAULTS[error] ?? `has a signature that Windows does not trust (0x${error.toString(16)})` };
}
