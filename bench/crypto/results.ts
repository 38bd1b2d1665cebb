// The shape of bench/results/*.json: one run in one runtime.
import type { Contestant, Primitive } from "./contestant.ts";

export interface ContestantResult {
  readonly library: string;
  readonly variant?: string;
  readonly kind: Contestant["kind"];
  /** Nanoseconds per operation: the median of the rounds, and their quartiles. */
  readonly medianNs: number;
  readonly lowNs: number;
  readonly highNs: number;
}

export interface CaseResult {
  readonly primitive: Primitive;
  /** Message bytes; 0 for operations on keys. */
  readonly bytes: number;
  readonly results: readonly ContestantResult[];
  readonly unavailable: readonly { readonly library: string; readonly reason: string }[];
}

export interface NativeResult {
  readonly primitive: Primitive;
  readonly bytes: number;
  readonly ns: number;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  /** The core that the run was bound to, if taskset was there. */
  readonly pinnedTo?: number;
}

export interface CryptoResults {
  readonly runtime: string;
  readonly runtimeVersion: string;
  /** Which of the two Wasm builds the runtime loaded. */
  readonly wasm: string;
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Load average over one minute before and after. */
  readonly load: readonly [number, number];
  readonly rounds: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly CaseResult[];
  /** `openssl speed`, or why it could not run. */
  readonly openssl:
    | { readonly version: string; readonly results: readonly NativeResult[] }
    | { readonly skipped: string };
}
