// Two classes of measurements, compared by Welch's t-test, as dudect does it (Reparaz, Balasch, Verbauwhede: "Dude, is my
// code constant time?", 2017). Interruptions make single measurements long, so the test is repeated on measurements
// below several thresholds; the largest |t| counts.

export interface Comparison {
  /** Largest |t| over all thresholds. */
  readonly t: number;
  /** Difference of the medians, ns. */
  readonly differenceNs: number;
  readonly medianNs: number;
  readonly measurements: number;
}

/** Shares of the measurements to keep: the quickest half, three quarters and so on. */
const KEPT = [0.5, 0.75, 0.9, 0.95, 0.99, 1];

function meanAndVariance(values: readonly number[]): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, squares / (values.length - 1)];
}

function welch(a: readonly number[], b: readonly number[]): number {
  if (a.length < 2 || b.length < 2) return 0;
  const [meanA, varianceA] = meanAndVariance(a);
  const [meanB, varianceB] = meanAndVariance(b);
  const error = Math.sqrt(varianceA / a.length + varianceB / b.length);
  return error === 0 ? 0 : (meanA - meanB) / error;
}

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!;

/** @param a, b  nanoseconds */
export function compare(a: readonly number[], b: readonly number[]): Comparison {
  const sorted = [...a, ...b].sort((x, y) => x - y);
  let t = 0;
  for (const share of KEPT) {
    const limit = sorted[Math.ceil(share * sorted.length) - 1]!;
    const below = (values: readonly number[]) => values.filter((value) => value <= limit);
    t = Math.max(t, Math.abs(welch(below(a), below(b))));
  }
  return { t, differenceNs: median(a) - median(b), medianNs: median(sorted), measurements: sorted.length };
}
