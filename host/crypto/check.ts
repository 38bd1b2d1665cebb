/**
 * Argument checks. They accept and refuse what those of @noble/ciphers, @noble/curves and @noble/hashes 2.x do: a wrong
 * type is a TypeError, a wrong length a RangeError.
 */

/** A Uint8Array, also a Buffer or one of another realm (an iframe, a vm context). */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) &&
      value.constructor.name === "Uint8Array" &&
      "BYTES_PER_ELEMENT" in value &&
      value.BYTES_PER_ELEMENT === 1)
  );
}

/** @throws TypeError */
export function checkBytes(value: unknown, name: string): asserts value is Uint8Array {
  if (!isBytes(value)) throw new TypeError(`"${name}" expected Uint8Array, got ${describe(value)}`);
}

/** @throws TypeError, RangeError */
export function checkBytesOf(length: number, value: unknown, name: string): asserts value is Uint8Array {
  checkBytes(value, name);
  if (value.length !== length) {
    throw new RangeError(`"${name}" expected Uint8Array of length ${length}, got length ${value.length}`);
  }
}

/** A whole number from 0 on that a double holds exactly. @throws TypeError, RangeError */
export function checkWhole(value: unknown, name: string): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`"${name}" expected a number, got ${describe(value)}`);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`"${name}" expected an integer >= 0`);
}

/** The type only: a value may be a secret. */
function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
