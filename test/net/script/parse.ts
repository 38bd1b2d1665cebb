/**
 * The language of the scripts, one step a line:
 *
 *   == name of a script                  begins one; settings that precede the first apply to all of the file
 *   def NAME … end                       steps that `use NAME` stands for from then on
 *   set KEY VALUE                        mss (of our link, 1000), isn (of the peer, 1000000), family (4, 6, both), …
 *   [+MS[~MS]] < FLAGS SEQ[:END] …       the peer sends this
 *   [+MS[~MS]] > FLAGS SEQ[:END] …       the stack must send this, just then, and nothing before
 *   [+MS]      quiet                     nothing was sent in the meantime
 *   [+MS]      CALL WORD…                the user calls, or expects
 *   & STEP                               a call, or what the peer sends, before the stack takes its turn for the step before
 *   # …                                  a comment
 *
 * Times are milliseconds since the line before. Sequence numbers count from the initial one of their sender; numbers may be
 * sums of products, such as 1+10*MSS. `docs` of a segment's words: segment-words.ts; of the calls: calls.ts.
 */
export interface Step {
  readonly line: number;
  readonly text: string;
  /** Since the step before; the latest if a range was given. */
  readonly after: number;
  readonly atMost: number;
  readonly kind: "inject" | "expect" | "quiet" | "call";
  readonly words: readonly string[];
  /** In one turn with the step before. */
  readonly together: boolean;
}

export interface Script {
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
}

interface Unfinished {
  name: string;
  settings: Map<string, string>;
  steps: Step[];
}

/** @throws naming the line that is not understood */
export function parseScripts(text: string): Script[] {
  const common = new Map<string, string>();
  const scripts: Unfinished[] = [];
  const macros = new Map<string, Step[]>();
  let macro: Step[] | undefined;
  text.split("\n").forEach((raw, index) => {
    const line = raw.replace(/(^|\s)#.*$/, "").trim();
    if (line === "") return;
    const current = scripts.at(-1);
    if (line.startsWith("== ")) {
      scripts.push({ name: line.slice(3).trim(), settings: new Map(common), steps: [] });
      return;
    }
    const words = line.split(/\s+/);
    if (words[0] === "def") {
      macro = [];
      macros.set(words[1]!, macro);
      return;
    }
    if (words[0] === "end") {
      macro = undefined;
      return;
    }
    if (words[0] === "use") {
      const steps = macros.get(words[1]!);
      if (steps === undefined) throw new Error(`line ${index + 1}: no such steps: ${words[1]}`);
      (macro ?? current!.steps).push(...steps);
      return;
    }
    if (macro !== undefined) {
      macro.push(parseStep(words, line, index + 1));
      return;
    }
    if (words[0] === "set") {
      (current?.settings ?? common).set(words[1]!, words.slice(2).join(" "));
      return;
    }
    if (current === undefined) throw new Error(`line ${index + 1}: a step before the first script`);
    current.steps.push(parseStep(words, line, index + 1));
  });
  return scripts;
}

function parseStep(words: string[], text: string, line: number): Step {
  const together = words[0] === "&";
  if (together) words.shift();
  let after = 0;
  let atMost = 0;
  if (/^\+/.test(words[0]!)) {
    const time = /^\+(\d+(?:\.\d+)?)(?:~(\d+(?:\.\d+)?))?$/.exec(words.shift()!);
    if (time === null || words.length === 0) throw new Error(`line ${line}: ${text}`);
    after = Number(time[1]);
    atMost = time[2] === undefined ? after : Number(time[2]);
  }
  const first = words[0]!;
  const kind = first === "<" ? "inject" : first === ">" ? "expect" : first === "quiet" ? "quiet" : "call";
  return { line, text, after, atMost, kind, words: kind === "call" ? words : words.slice(1), together };
}

/** A number, or sums and products of numbers and names, evaluated from left to right with products first. */
export function evaluate(text: string, names: ReadonlyMap<string, number>): number {
  const terms = text.match(/[+-]?[^+-]+/g);
  if (terms === null) throw new Error(`not a number: ${text}`);
  return terms.reduce((total, term) => {
    const sign = term.startsWith("-") ? -1 : 1;
    const product = term
      .replace(/^[+-]/, "")
      .split("*")
      .reduce((value, factor) => value * numberOf(factor, names), 1);
    return total + sign * product;
  }, 0);
}

function numberOf(text: string, names: ReadonlyMap<string, number>): number {
  const value = names.get(text) ?? (/^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN);
  if (Number.isNaN(value)) throw new Error(`not a number: ${text}`);
  return value;
}
