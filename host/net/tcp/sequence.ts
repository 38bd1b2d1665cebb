/**
 * Sequence numbers. Inside, a byte is named by its position in the stream, an exact Number that does not wrap: 0 is the SYN, 1 the first
 * byte of data. Only headers hold 32-bit numbers.
 */

/** The number on the wire of `position` in a stream with this initial number. @returns signed 32 bits */
export function wireNumber(position: number, initial: number): number {
  return (position + initial) | 0;
}

/** The position nearest to `reference` that has this number on the wire; negative ones never existed. */
export function positionOf(wire: number, initial: number, reference: number): number {
  return reference + ((wire - initial - reference) | 0);
}
