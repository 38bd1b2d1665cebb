/**
 * Text of a file or a command line whose bytes may not be UTF-8: file names and hooks are bytes to the system. A byte that does not
 * belong to a character becomes a lone surrogate, U+DC00 + byte (Python's PEP 383), which no text holds otherwise, and
 * becomes that byte again.
 */

const ESCAPE = 0xdc00;
const FIRST_ESCAPED = 0x80;
/** A lone low surrogate that stands for a byte. */
const ESCAPED = /(?<![\ud800-\udbff])[\udc80-\udcff]/;

export function decodeRawText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return decodePieces(bytes);
  }
}

/** Character by character: each as long as it is valid. */
function decodePieces(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes[at]!);
    try {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      text += String.fromCharCode(ESCAPE + bytes[at]!);
      at += 1;
    }
  }
  return text;
}

function characterLength(first: number): number {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

export function encodeRawText(text: string): Uint8Array {
  const encoder = new TextEncoder();
  if (isUnicode(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (char.length === 1 && code >= ESCAPE + FIRST_ESCAPED && code <= ESCAPE + 0xff) bytes.push(code - ESCAPE);
    else bytes.push(...encoder.encode(char));
  }
  return Uint8Array.from(bytes);
}

/** True where no byte had to be escaped: the text can go wherever strings go. */
export function isUnicode(text: string): boolean {
  return !ESCAPED.test(text);
}
