/**
 * Arrays of bytes that others hand over, as they are and not as they say: a subclass, or a property of the array's own, can
 * give any `length`, and linear memory has neighbours. Arrays of another realm (a vm context, an iframe) count too.
 */
import { OptionError } from "./device-errors.ts";

type Getter<T> = (this: unknown) => T;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

function getter<T>(key: PropertyKey): Getter<T> {
  return Object.getOwnPropertyDescriptor(typedArray, key)!.get as Getter<T>;
}

/** Undefined for what is no typed array. */
const kindOf = getter<string | undefined>(Symbol.toStringTag);
const bufferOf = getter<ArrayBufferLike>("buffer");
const offsetOf = getter<number>("byteOffset");
const lengthOf = getter<number>("byteLength");

/** @returns how many bytes there are, 0 if they were detached; −1 for anything but a Uint8Array */
export function byteLength(value: unknown): number {
  return kindOf.call(value) === "Uint8Array" ? lengthOf.call(value) : -1;
}

/** @returns a plain view of the same bytes; undefined for anything but a Uint8Array */
export function plainBytes(value: unknown): Uint8Array | undefined {
  const length = byteLength(value);
  if (length < 0) return undefined;
  return length === 0 ? new Uint8Array() : new Uint8Array(bufferOf.call(value), offsetOf.call(value), length);
}

/** @throws OptionError for what is no Uint8Array, or has no bytes any more */
export function requireBytes(name: string, value: unknown): number {
  const length = byteLength(value);
  if (length < 0 || (length === 0 && isGone(value as Uint8Array))) {
    throw new OptionError(name, "a Uint8Array whose bytes are there");
  }
  return length;
}

/** Detached, or beyond the end of a buffer that was made smaller: such an array says that it is empty, and can only be told by trying. */
function isGone(bytes: Uint8Array): boolean {
  try {
    new Uint8Array().set(bytes);
    return false;
  } catch {
    return true;
  }
}
