// How figures are written: three significant digits and a unit, the same in tables, chart and page.
const DIGITS = 3;

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(DIGITS);
}

/** 1360 → "1.36 µs" */
export function duration(ns: number): string {
  if (ns < 1000) return `${significant(ns)} ns`;
  if (ns < 1e6) return `${significant(ns / 1000)} µs`;
  return `${significant(ns / 1e6)} ms`;
}

/** Megabytes (10^6) a second. */
export function megabytesPerSecond(bytes: number, ns: number): number {
  return (bytes * 1000) / ns;
}

/** "1044 MB/s" for messages, "15.4 k/s" for operations on keys. */
export function rate(bytes: number, ns: number): string {
  return bytes === 0 ? `${significant(1e6 / ns)} k/s` : `${significant(megabytesPerSecond(bytes, ns))} MB/s`;
}

/** 3.756 → "3.8×" */
export function times(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(ratio < 1 ? 2 : 1)}×`;
}
