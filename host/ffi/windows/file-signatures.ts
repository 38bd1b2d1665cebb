/** Functions of Windows that look at a DLL's file before it is loaded: as signatures.ts has those of a tunnel. */

/** kernel32.dll */
export const FILE_SIGNATURES = { CreateFileW: "puuauua:h" } as const;

/** version.dll */
export const VERSION_SIGNATURES = { GetFileVersionInfoW: "puup:i", VerQueryValueW: "pppp:i" } as const;

/** wintrust.dll; it returns an error, or 0 */
export const TRUST_SIGNATURES = { WinVerifyTrust: "hpp:i" } as const;
