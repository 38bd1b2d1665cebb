/** Functions of Windows that few need: they look at a DLL's file before it is loaded, and replace a configuration. As signatures.ts has those of a tunnel. */

/** kernel32.dll */
export const FILE_SIGNATURES = { CreateFileW: "puuauua:h" } as const;

/** kernel32.dll */
export const REPLACE_SIGNATURES = { ReplaceFileW: "pppuaa:i" } as const;

/** advapi32.dll; it returns an error, or 0 */
export const FILE_SECURITY_SIGNATURES = { GetNamedSecurityInfoW: "puuppppp:u" } as const;

/** version.dll */
export const VERSION_SIGNATURES = { GetFileVersionInfoW: "puup:i", VerQueryValueW: "pppp:i" } as const;

/** wintrust.dll; it returns an error, or 0 */
export const TRUST_SIGNATURES = { WinVerifyTrust: "hpp:i" } as const;
