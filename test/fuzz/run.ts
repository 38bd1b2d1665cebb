/** `npm run fuzz`: every target for some seconds. What fails is told with the smallest input that does it, and how to run that again. */
import { parseArgs } from "node:util";
import { type Failure, fuzz } from "./rounds.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets/index.ts";

const USAGE = `usage: npm run fuzz -- [--seconds N] [--seed N] [--only NAME]... [--path PATH]

  --seconds N   for each target (default 10)
  --seed N      where to begin; the same seed gives the same inputs (default: a random one, which is printed)
  --only NAME   this target; may be given more than once
  --path PATH   only the input that a failure named, with its seed and --only

targets:
${targets.map(({ name, about }) => `  ${name.padEnd(12)}  ${about}`).join("\n")}

Exit code 0: nothing was found; 1: something was; 2: wrong usage.`;
const INPUT_CHARS = 4000;

class UsageError extends Error {}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > 0x7fffffff) {
    throw new UsageError(`--${name}: ${text} is no whole number from ${least} to ${0x7fffffff}`);
  }
  return value;
}

function options() {
  const strings = { type: "string" } as const;
  let values: { seconds?: string; seed?: string; path?: string; only?: string[]; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        seconds: strings,
        seed: strings,
        path: strings,
        only: { type: "string", multiple: true },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const chosen = (values.only ?? targets.map(({ name }) => name)).map((name) => {
    const target = targets.find((candidate) => candidate.name === name);
    if (target === undefined) throw new UsageError(`--only: there is no target ${name}`);
    return target;
  });
  if (values.path !== undefined && (values.seed === undefined || chosen.length !== 1)) {
    throw new UsageError("--path: needs --seed, and --only once");
  }
  const seconds = whole("seconds", values.seconds ?? "10", 1);
  const seed =
    values.seed === undefined
      ? crypto.getRandomValues(new Int32Array(1))[0]! & 0x3fffffff
      : whole("seed", values.seed, -0x80000000);
  return { chosen, seconds, seed, path: values.path, help: values.help === true };
}

function report({ name }: Target, { seed, path, input, error }: Failure): void {
  const shown = input.length > INPUT_CHARS ? `${input.slice(0, INPUT_CHARS)}… (${input.length} characters)` : input;
  console.log(`\n${name}: FAILED\n${error instanceof Error ? error.stack : String(error)}`);
  console.log(`\nsmallest input:\n${shown}\n`);
  console.log(`again: npm run fuzz -- --only ${name} --seed ${seed} --path ${path}`);
}

async function main(): Promise<number> {
  const { chosen, seconds, seed, path, help } = options();
  if (help) {
    console.log(USAGE);
    return 0;
  }
  console.log(`seed ${seed}; ${chosen.length} targets, ${seconds} s each`);
  let failed = 0;
  for (const target of chosen) {
    const start = performance.now();
    const { inputs, failure } = await fuzz(target, { seed, milliseconds: seconds * 1000, path });
    const took = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${target.name.padEnd(12)} ${String(inputs).padStart(9)} inputs in ${took} s`);
    if (failure === undefined) continue;
    failed += 1;
    report(target, failure);
  }
  console.log(failed === 0 ? "nothing found" : `${failed} of ${chosen.length} targets failed`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
