// What the page's worker says to the page.
import type { CaseResult } from "../crypto/results.ts";

export type WorkerMessage =
  | { readonly kind: "progress"; readonly round: number; readonly done: number; readonly latest: CaseResult }
  | { readonly kind: "done"; readonly cases: readonly CaseResult[]; readonly build: string }
  | { readonly kind: "failed"; readonly message: string };
