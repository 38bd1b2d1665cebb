/** Options of the benchmarks' programs, which tell their usage when they are asked for it, or given what they do not know. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** @returns the options' values; `--help` and mistakes end the process */
export function readCommandLine<T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  try {
    const known = { ...options, help: { type: "boolean" } } as T & { help: { type: "boolean" } };
    const { values } = parseArgs<{ options: typeof known }>({ options: known });
    if (!("help" in values)) return values;
  } catch (error) {
    return misused(usage, (error as Error).message);
  }
  console.log(usage);
  return process.exit(0);
}

export function misused(usage: string, message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

/** @returns the value; the process ends for what is no number above 0 */
export function positive(usage: string, name: string, value: string): number {
  const number = Number(value);
  return number > 0 && Number.isFinite(number) ? number : misused(usage, `--${name} wants a number above 0`);
}

/** @returns the words of a list with commas; the process ends for one that is not known */
export function chosen<T extends string>(usage: string, name: string, known: readonly T[], list: string): T[] {
  const find = (word: string) =>
    known.find((one) => one === word) ?? misused(usage, `--${name}: there is no "${word}"`);
  return list.split(",").map(find);
}
