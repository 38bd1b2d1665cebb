/** Systems that have none of the steps of confinement. */
import { userInfo } from "node:os";
import type { ConfinementStatus, KeyMemory } from "../confine/confinement-status.ts";
import { STEPS, Steps } from "../confine/steps.ts";
import type { RightsRequest } from "./machine.ts";

/** Whoever wants to be confined is told that nothing is. @param system its name, for messages @throws what Steps.verdict throws */
export function tellUnconfined(system: string, { confinement, log }: Pick<RightsRequest, "confinement" | "log">): void {
  if (confinement === undefined) return;
  const steps = new Steps(confinement.mayFail);
  for (const step of STEPS) steps.took(step, `not on ${system}`);
  for (const line of steps.verdict()) log("error", line);
}

/** The status there, for whoever knows of it. @throws what tellUnconfined throws */
export function unconfined(system: string, request: RightsRequest, keyMemory: KeyMemory): ConfinementStatus {
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
