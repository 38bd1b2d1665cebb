/**
 * ASCII text that lies in linear memory, as [start, end) of a view over all of it, so that a view index is an
 * address. Nothing here makes a JS string of bytes that were not checked first: they may be a key.
 */

export const LF = 10;
export const EQUALS = 61;

/** @returns the bytes of an ASCII literal */
export function ascii(literal: string): Uint8Array {
  return Uint8Array.from(literal, (char) => char.charCodeAt(0));
}

/** @returns where `byte` first is in [start, end), or −1 */
export function find(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === byte) return at;
  return -1;
}

/** @returns where `byte` last is in [start, end), or −1 */
export function findLast(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if (bytes[at] === byte) return at;
  return -1;
}

export function equals(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): boolean {
  if (end - start !== literal.length) return false;
  for (let i = 0; i < literal.length; i++) if (bytes[start + i] !== literal[i]) return false;
  return true;
}

/** Digits only; leading zeros are allowed. @returns −1 if not a number, or over `maximum` */
export function decimal(bytes: Uint8Array, start: number, end: number, maximum: number): number {
  if (start >= end) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > maximum) return -1;
  }
  return value;
}

/** @returns the string; call only after the bytes were found to be what they should be */
export function stringOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
