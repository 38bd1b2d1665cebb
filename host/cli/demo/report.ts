/** What the demo says: one line per step, to stdout. */
const WIDTH = 34;

export function step(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

export function result(label: string, value: string): void {
  process.stdout.write(`  ${label.padEnd(WIDTH)} ${value}\n`);
}

export function rate(bytes: number, seconds: number): string {
  const megabits = (bytes * 8) / seconds / 1e6;
  const mebibytes = (bytes / 2 ** 20).toFixed(0);
  return `${megabits.toFixed(0)} Mbit/s  (${mebibytes} MiB in ${seconds.toFixed(1)} s)`;
}

/** 1.234 → "1.23 ms" */
export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
