/** Systems that lack steps of confinement. */
import { userInfo } from "node:os";
import type { ConfinementStatus, KeyMemory } from "../confine/confinement-status.ts";
import { STEPS, type Step, Steps } from "../confine/steps.ts";
import type { RightsRequest } from "./machine.ts";

/** As messages have it, and which steps it has all the same. */
export interface LackingSystem {
  readonly name: string;
  readonly taken: readonly Step[];
}

/** Whoever wants to be confined is told what there is not. @throws what Steps.verdict throws */
export function tellUnconfined(
  { name, taken }: LackingSystem,
  { confinement, log }: Pick<RightsRequest, "confinement" | "log">,
): void {
  if (confinement === undefined) return;
  const steps = new Steps(confinement.mayFail);
  for (const step of STEPS) if (!taken.includes(step)) steps.took(step, `not on ${name}`);
  for (const line of steps.verdict()) log("error", line);
}

/** The status there, for whoever knows of it. @throws what tellUnconfined throws */
export function unconfined(system: LackingSystem, request: RightsRequest, keyMemory: KeyMemory): ConfinementStatus {
  tellUnconfined(system, request);
  return {
    ...keyMemory,
    user: process.getuid === undefined ? userInfo().username : `${process.getuid()}`,
    capabilities: [],
    noNewPrivileges: false,
    seccomp: false,
    landlock: 0,
    landlockThreads: "none",
    dumpable: true,
  };
}
