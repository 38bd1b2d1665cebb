/**
 * WireGuard keys as text: 32 bytes, 44 characters of base64 (RFC 4648 §4) or 64 hex digits, always as bytes.
 * Secrets pass through here: no tables, no branches on a character, no strings. Callers wipe what they get.
 */
export const KEY_BYTES = 32;
export const KEY_BASE64_CHARS = 44;
export const KEY_HEX_CHARS = 64;

/** For a secret: outside of the collector's heap, where V8 moves small arrays, and leaves their contents behind. */
export function secretBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

const PAD = 0x3d; // "="

/** All ones if low ≤ char ≤ high, else 0. */
function inRange(char: number, low: number, high: number): number {
  return ((low - 1 - char) & (char - high - 1)) >> 31;
}

/** 0–63, or negative for any other character. */
function base64Value(char: number): number {
  return (
    -1 +
    (inRange(char, 0x41, 0x5a) & (char - 0x41 + 1)) +
    (inRange(char, 0x61, 0x7a) & (char - 0x61 + 27)) +
    (inRange(char, 0x30, 0x39) & (char - 0x30 + 53)) +
    (inRange(char, 0x2b, 0x2b) & 63) +
    (inRange(char, 0x2f, 0x2f) & 64)
  );
}

function base64Char(value: number): number {
  return (
    (inRange(value, 0, 25) & (0x41 + value)) |
    (inRange(value, 26, 51) & (0x61 + value - 26)) |
    (inRange(value, 52, 61) & (0x30 + value - 52)) |
    (inRange(value, 62, 62) & 0x2b) |
    (inRange(value, 63, 63) & 0x2f)
  );
}

function hexValue(char: number): number {
  return (
    -1 +
    (inRange(char, 0x30, 0x39) & (char - 0x30 + 1)) +
    (inRange(char, 0x41, 0x46) & (char - 0x41 + 11)) +
    (inRange(char, 0x61, 0x66) & (char - 0x61 + 11))
  );
}

function hexChar(value: number): number {
  return 0x30 + value + (inRange(value, 10, 15) & 39);
}

/** @param text  44 characters. @returns 32 bytes, or undefined (nothing kept) if they are not a key */
export function keyFromBase64(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (text.length !== KEY_BASE64_CHARS || text[KEY_BASE64_CHARS - 1] !== PAD) return undefined;
  const key = secretBytes(KEY_BYTES);
  let invalid = 0;
  for (let group = 0; group < 11; group++) {
    const at = group * 4;
    const last = group === 10;
    const [a, b, c] = [base64Value(text[at]!), base64Value(text[at + 1]!), base64Value(text[at + 2]!)];
    const d = last ? 0 : base64Value(text[at + 3]!);
    invalid |= a | b | c | d;
    const word = (a << 18) | (b << 12) | (c << 6) | d;
    key[group * 3] = word >> 16;
    key[group * 3 + 1] = word >> 8;
    // 256 bits leave two bits over in the last group; they must be zero, or one key would have several texts.
    if (last) invalid |= -(word & 0xff);
    else key[group * 3 + 2] = word;
  }
  if (invalid >= 0) return key;
  key.fill(0);
  return undefined;
}

/** @returns 44 characters */
export function keyToBase64(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = secretBytes(KEY_BASE64_CHARS);
  for (let group = 0; group < 11; group++) {
    const word = (key[group * 3]! << 16) | (key[group * 3 + 1]! << 8) | (key[group * 3 + 2] ?? 0);
    for (let i = 0; i < 4; i++) text[group * 4 + i] = base64Char((word >> (18 - 6 * i)) & 63);
  }
  text[KEY_BASE64_CHARS - 1] = PAD;
  return text;
}

/** @returns 32 bytes of the hex digits at [start, start + 64), or undefined if they are not all hex digits */
export function keyFromHex(text: Uint8Array, start: number): Uint8Array | undefined {
  if (text.length - start < KEY_HEX_CHARS) return undefined;
  const key = secretBytes(KEY_BYTES);
  let invalid = 0;
  for (let i = 0; i < KEY_BYTES; i++) {
    const [high, low] = [hexValue(text[start + 2 * i]!), hexValue(text[start + 2 * i + 1]!)];
    invalid |= high | low;
    key[i] = (high << 4) | low;
  }
  if (invalid >= 0) return key;
  key.fill(0);
  return undefined;
}

/** Write 64 lower-case hex digits at `to[at]`. */
export function keyToHex(to: Uint8Array, at: number, key: Uint8Array): void {
  for (let i = 0; i < KEY_BYTES; i++) {
    to[at + 2 * i] = hexChar(key[i]! >> 4);
    to[at + 2 * i + 1] = hexChar(key[i]! & 15);
  }
}

/** A public key as text for people and other programs. Not for secrets: strings cannot be wiped. */
export function publicKeyText(key: Uint8Array): string {
  return String.fromCharCode(...keyToBase64(key));
}
