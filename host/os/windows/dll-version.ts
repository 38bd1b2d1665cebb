/** The version that a program's file has of itself (VERSIONINFO of its resources). */
import { VERSION_SIGNATURES } from "../../ffi/windows/file-signatures.ts";
import { VS_FIXEDFILEINFO } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";

/** Where what lies in the scratch buffer, behind the path. */
const ROOT_AT = 2048;
const POINTER_AT = 2056;
const LENGTH_AT = 2064;
const INFO_AT = 4096;
/** What is longer than the room is cut, behind the part that is asked for. */
const INFO_BYTES = 16_384;

/** @returns "0.14.1"; undefined where it tells none */
export function versionOf(win: Win32, path: string): string | undefined {
  const { view, at } = win.scratch;
  const { GetFileVersionInfoW, VerQueryValueW } = win.system("version.dll", VERSION_SIGNATURES);
  if (GetFileVersionInfoW(win.text(path), 0, INFO_BYTES, at(INFO_AT)) === 0) return undefined;
  if (VerQueryValueW(at(INFO_AT), win.text("\\", ROOT_AT), at(POINTER_AT), at(LENGTH_AT)) === 0) return undefined;
  const start = Number(view.getBigUint64(POINTER_AT, true) - win.base) - at(0);
  const [high, low] = [VS_FIXEDFILEINFO.fileVersionHigh, VS_FIXEDFILEINFO.fileVersionLow].map((field) =>
    view.getUint32(start + field, true),
  );
  const numbers = [high! >>> 16, high! & 0xffff, low! >>> 16, low! & 0xffff];
  while (numbers.length > 2 && numbers.at(-1) === 0) numbers.pop();
  return numbers.join(".");
}
