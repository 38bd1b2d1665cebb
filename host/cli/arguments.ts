/**
 * The words of a command line, by a table of options: -f, -fh, -L VALUE, -LVALUE, --name, --name VALUE, --name=VALUE; behind -- are
 * operands only. A start reads its command line in two processes: `util.parseArgs` does the same, but takes a millisecond of each.
 */
import { UsageError } from "./command-errors.ts";
import type { OptionRow } from "./option-table.ts";

type Rows = Readonly<Record<string, OptionRow>>;
type Values = Record<string, string | string[] | true>;

class Reader {
  readonly values: Values = {};
  readonly operands: string[] = [];
  readonly #rows: Rows;
  readonly #words: readonly string[];
  #at = 0;

  constructor(rows: Rows, words: readonly string[]) {
    this.#rows = rows;
    this.#words = words;
  }

  read(): void {
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++]!;
      if (word === "--") this.operands.push(...this.#words.slice(this.#at));
      if (word === "--") return;
      if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#short(word.slice(1));
      else this.operands.push(word);
    }
  }

  #long(word: string): void {
    const equals = word.indexOf("=");
    const end = equals < 0 ? word.length : equals;
    const name = word.slice(2, end);
    if (!Object.hasOwn(this.#rows, name)) throw new UsageError(`unknown option '${word.slice(0, end)}'`);
    this.#take(name, equals < 0 ? undefined : word.slice(end + 1));
  }

  #short(letters: string): void {
    for (let i = 0; i < letters.length; i++) {
      const name = Object.keys(this.#rows).find((one) => this.#rows[one]!.short === letters[i]);
      if (name === undefined) throw new UsageError(`unknown option '-${letters[i]}'`);
      const rest = letters.slice(i + 1);
      if (this.#rows[name]!.value !== undefined) return this.#take(name, rest === "" ? undefined : rest);
      this.#take(name, undefined);
    }
  }

  /** @param attached  what stands in the same word */
  #take(name: string, attached: string | undefined): void {
    const { value: wanted, many } = this.#rows[name]!;
    if (wanted === undefined) {
      if (attached !== undefined) throw new UsageError(`--${name} takes no value`);
      this.values[name] = true;
      return;
    }
    const value = attached ?? this.#next(name, wanted);
    const before = this.values[name];
    this.values[name] = many === undefined ? value : [...(Array.isArray(before) ? before : []), value];
  }

  #next(name: string, wanted: string): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new UsageError(`--${name} wants a value: ${wanted}`);
    if (!word.startsWith("-") || word === "-") return word;
    throw new UsageError(
      `--${name} wants a value, and ${JSON.stringify(word)} looks like an option`,
      `If it is one, write: --${name}=${word}`,
    );
  }
}

/** @throws UsageError */
export function readArguments(rows: Rows, words: readonly string[]): { values: Values; operands: string[] } {
  const reader = new Reader(rows, words);
  reader.read();
  return reader;
}
