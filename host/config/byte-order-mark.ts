/**
 * What editors and shells of Windows put before a text: a mark that says UTF-8, which is passed over; or text of two bytes a character, as
 * PowerShell writes it with ">", which is refused in words that help.
 */
import { ConfigError } from "./config-errors.ts";

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/** @returns a view of the file @throws ConfigError */
export function withoutMark(file: Uint8Array, fileName: string): Uint8Array {
  const starts = (mark: readonly number[]): boolean => mark.every((byte, i) => file[i] === byte);
  if (UTF16_MARKS.some(starts)) throw new ConfigError(fileName, 1, "the file is UTF-16", "Save it as UTF-8.");
  return starts(UTF8_MARK) ? file.subarray(UTF8_MARK.length) : file;
}
