/**
 * The shape of bench/results/tunnel-profile.json.
 */
import { fileURLToPath } from "node:url";
import type { TunnelResults } from "../results.ts";
import type { DaemonStages } from "./daemon.ts";

export const PROFILE_FILE = fileURLToPath(new URL("../../results/tunnel-profile.json", import.meta.url));

/** Of the tests of bench:tunnel. */
export const PROFILED = ["tcp1", "udp", "udppaced"] as const;
export type ProfiledTest = (typeof PROFILED)[number];

export interface EndProfile extends DaemonStages {
  /** Of the whole process, seconds: also threads that compile and collect garbage. */
  readonly userCpu: number;
  readonly systemCpu: number;
}

export interface ScenarioProfile {
  readonly test: ProfiledTest;
  readonly repetition: number;
  readonly megabits: number;
  readonly near: EndProfile;
  readonly far: EndProfile;
}

export interface ProfileResults {
  readonly date: string;
  readonly command: string;
  readonly machine: TunnelResults["machine"];
  readonly load: readonly [number, number];
  readonly runtime: string;
  readonly seconds: number;
  readonly scenarios: readonly ScenarioProfile[];
}
