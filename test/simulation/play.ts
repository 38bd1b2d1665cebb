/** Plays a range of seeds as tests. One seed of a failed run is played alone with SEED=… in the environment. */
import { beforeAll, describe, expect, it } from "vitest";
import { Cores } from "./cores.ts";
import { type Outcome, runScenario } from "./scenario.ts";

/** Seeds in all, dealt out to the test files, which run side by side. */
const SEEDS = Number(process.env.SEEDS ?? 3_000);
const CHOSEN = process.env.SEED;
const FILES = 2;
const BLOCKS = 10;
/** The most machines of a story. */
const MACHINES = 4;

let cores: Cores;

function play(seed: number): Outcome {
  try {
    return runScenario(seed, cores);
  } catch (error) {
    throw new Error(`SEED=${seed} npx vitest run test/simulation: ${(error as Error).message}`, { cause: error });
  }
}

/** @param file 0 to FILES − 1: plays the seeds that leave this remainder */
export function playSeeds(file: number): void {
  beforeAll(async () => {
    cores = await Cores.load(MACHINES);
  });

  if (CHOSEN !== undefined) {
    it(`seed ${CHOSEN}`, (ctx) => {
      if (Number(CHOSEN) % FILES !== file) ctx.skip("another file plays this seed");
      console.log(play(Number(CHOSEN)));
    });
    return;
  }

  it("the same seed plays out the same way", () => {
    for (const seed of [4, 5, 6, 7]) expect(play(seed)).toEqual(play(seed));
  });

  describe("whatever happens, every pair talks again", () => {
    const step = Math.ceil(SEEDS / BLOCKS);
    for (let first = 1; first <= SEEDS; first += step) {
      const last = Math.min(SEEDS, first + step - 1);
      it(`seeds ${first} to ${last}`, { timeout: 120_000 }, () => {
        for (let seed = first; seed <= last; seed++) if (seed % FILES === file) play(seed);
      });
    }
  });
}
