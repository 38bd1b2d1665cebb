/** Lines of a configuration file as bytes, for they may hold keys: white space, comments, headings, keys and values. */

const SPACE = 32;
const HASH = 35;
const SEMICOLON = 59;
const EQUALS = 61;
/** The longest key, and the longest heading with its brackets. */
const KEY_CHARS_MAX = 32;
const HEADING_CHARS_MAX = KEY_CHARS_MAX + 2;

/** Byte values are kept as they are: a Latin-1 string has one character for each. */
export function characters(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** One line: a comment or nothing, a section's heading, or a key with a value. */
export type Line =
  | { readonly kind: "nothing" }
  | { readonly kind: "heading"; readonly name: string }
  | { readonly kind: "entry"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "other" };

const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 9 && byte <= 13) || byte === 0;

function trim(bytes: Uint8Array): Uint8Array {
  let [start, end] = [0, bytes.length];
  while (start < end && isSpace(bytes[start]!)) start++;
  while (end > start && isSpace(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

/** A comment begins at a # or ; that stands first or behind white space. */
function withoutComment(line: Uint8Array): Uint8Array {
  for (let i = 0; i < line.length; i++) {
    const starts = line[i] === HASH || line[i] === SEMICOLON;
    if (starts && (i === 0 || isSpace(line[i - 1]!))) return line.subarray(0, i);
  }
  return line;
}

export function readLine(whole: Uint8Array): Line {
  const line = trim(withoutComment(whole));
  if (line.length === 0) return { kind: "nothing" };
  const heading = line.length <= HEADING_CHARS_MAX ? /^\[\s*([a-z\d]+)\s*\]$/i.exec(characters(line)) : null;
  if (heading !== null) return { kind: "heading", name: heading[1]! };
  const equals = line.indexOf(EQUALS);
  const key = equals > 0 && equals <= KEY_CHARS_MAX ? characters(trim(line.subarray(0, equals))) : "";
  if (!/^[a-z\d]+$/i.test(key)) return { kind: "other" };
  return { kind: "entry", key, value: trim(line.subarray(equals + 1)) };
}
