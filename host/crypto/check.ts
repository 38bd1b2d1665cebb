/**
 * Argument checks. They accept and refuse what those of @noble/ciphers, @noble/curves and @noble/hashes 2.x do: a wrong
 * type is a TypeError, a wrong length a RangeError.
 *
 * An array is asked for nothing that a caller may have overridden: a subclass, an own property or a Proxy could answer the
 * check with one length and the copy with another, or run code in the middle of a call. The getters of %TypedArray% read
 * what the engine knows, in arrays of other realms too; `%TypedArray%.prototype.set` copies exactly that.
 */
const prototype = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (name: PropertyKey): (() => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, name)!.get as () => unknown;
const kind = getter(Symbol.toStringTag);
const length = getter("length") as (this: Uint8Array) => number;
const offset = getter("byteOffset") as (this: Uint8Array) => number;
const buffer = getter("buffer") as (this: Uint8Array) => ArrayBufferLike;
const { set } = prototype as Uint8Array;

/** A Uint8Array, also a Buffer or one of another realm (an iframe, a vm context); no Proxy, and nothing that merely looks like one. */
export function isBytes(value: unknown): value is Uint8Array {
  return kind.call(value) === "Uint8Array";
}

/** 0 when its buffer is gone. @throws TypeError for what is no typed array */
export function lengthOf(bytes: Uint8Array): number {
  return length.call(bytes);
}

/** Where it begins in its buffer. */
export function offsetOf(bytes: Uint8Array): number {
  return offset.call(bytes);
}

export function bufferOf(bytes: Uint8Array): ArrayBufferLike {
  return buffer.call(bytes);
}

/** A result into an array of the caller's, whose own `set` is not asked. */
export function copyInto(target: Uint8Array, source: Uint8Array, at = 0): void {
  set.call(target, source, at);
}

/** @throws TypeError */
export function checkBytes(value: unknown, name: string): asserts value is Uint8Array {
  if (!isBytes(value)) throw new TypeError(`"${name}" expected Uint8Array, got ${describe(value)}`);
}

/** @throws TypeError, RangeError */
export function checkBytesOf(wanted: number, value: unknown, name: string): asserts value is Uint8Array {
  checkBytes(value, name);
  const got = lengthOf(value);
  if (got !== wanted) throw new RangeError(`"${name}" expected Uint8Array of length ${wanted}, got length ${got}`);
}

/** A whole number from 0 on that a double holds exactly. @throws TypeError, RangeError */
export function checkWhole(value: unknown, name: string): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`"${name}" expected a number, got ${describe(value)}`);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`"${name}" expected an integer >= 0`);
}

/** Options by own properties only, each read once, so that nothing inherited changes a result. @throws TypeError */
export function ownOptions<T extends object>(options: T): T {
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    throw new TypeError('"opts" expected a plain object');
  }
  const parent = Object.getPrototypeOf(options);
  // The prototype of plain objects, of whatever realm, has none itself.
  if (parent !== null && Object.getPrototypeOf(parent) !== null) throw new TypeError('"opts" expected a plain object');
  if (Object.hasOwn(options, "__proto__")) throw new TypeError('"opts.__proto__" is not allowed');
  return Object.assign(Object.create(null), options);
}

/** The type only: a value may be a secret. */
function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
