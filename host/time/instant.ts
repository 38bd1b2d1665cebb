/** A moment on a clock that never goes backwards, in milliseconds. Where it starts does not matter. */
export type Instant = number;
export const NEVER: Instant = Number.POSITIVE_INFINITY;

/** Time since the Unix epoch, for TAI64N timestamps and for people. */
export interface WallTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}
