/**
 * Addresses in the forms that only iproute2 takes, and so wg-quick too: `10.0.0.1/255.255.255.0`, `10.7/16` (which is 10.7.0.0, other
 * than with inet_aton), numbers in hex or octal as C writes them.
 */
import { canonicalAddress } from "../address/canonical.ts";

/** As strtoul with base 0. @returns undefined if it is none, or over `maximum` */
function number(text: string, maximum: number): number | undefined {
  let value = Number.NaN;
  if (/^0x[\da-f]{1,8}$/i.test(text)) value = Number(text);
  else if (/^0[0-7]{0,11}$/.test(text)) value = Number.parseInt(text, 8);
  else if (/^[1-9]\d{0,9}$/.test(text)) value = Number(text);
  return value <= maximum ? value : undefined;
}

/** Up to four numbers; those left out are zeros at the end. @returns 32 bits */
function quad(text: string): number | undefined {
  const bytes = text.split(".").map((part) => number(part, 255));
  if (bytes.length > 4) return undefined;
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = i < bytes.length ? bytes[i] : 0;
    if (byte === undefined) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** The length of a mask whose ones come first. */
function maskLength(mask: number): number | undefined {
  const bits = mask.toString(2).padStart(32, "0");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : undefined;
}

/** @returns `address/bits`; undefined if iproute2 would not take it */
export function readInterfaceAddress(text: string): string | undefined {
  const [before = "", mask, extra] = text.split("/");
  if (extra !== undefined || mask === "") return undefined;
  if (before.includes(":")) {
    const address = canonicalAddress(before);
    const bits = mask === undefined ? 128 : number(mask, 128);
    return address === undefined || bits === undefined ? undefined : `${address}/${bits}`;
  }
  const address = quad(before);
  const maskBits = mask?.includes(".") ? quad(mask) : undefined;
  const bits = mask === undefined ? 32 : maskBits === undefined ? number(mask, 32) : maskLength(maskBits);
  if (address === undefined || bits === undefined) return undefined;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".")}/${bits}`;
}
