/** What `npm run bench:net` keeps: each part as it was measured last, with when and how. */
import type { machine } from "../tunnel/machine.ts";
import type { Speed } from "./bulk.ts";
import type { ClientRun } from "./clients/measure.ts";
import type { Compared } from "./emulated/compare.ts";

export interface Circumstances {
  /** UTC. */
  readonly date: string;
  readonly command: string;
  /** Load averages over one minute, before and after. */
  readonly load: readonly [number, number];
  readonly seconds: number;
}

export interface ProcessPart extends Circumstances {
  readonly joined: readonly Speed[];
  readonly tunnelled: readonly Speed[];
}

export interface LinkPart extends Circumstances {
  /** As ROWS has it. */
  readonly row: string;
  readonly runs: readonly Compared[];
}

export interface MemoryPart extends Circumstances {
  readonly connections: number;
  readonly idleConnectionBytes: number;
  readonly halfOpenBytes: number;
  /** How often the idle connections had their stacks take a turn, in `seconds` of the virtual clock. */
  readonly idleTurns: number;
}

export interface ClientsPart extends Circumstances {
  readonly clients: readonly { readonly name: string; readonly kind: "ours" | "theirs" }[];
  readonly runs: readonly ClientRun[];
}

export interface NetResults {
  machine?: ReturnType<typeof machine>;
  runtime?: string;
  process?: ProcessPart;
  links?: LinkPart[];
  memory?: MemoryPart;
  clients?: ClientsPart;
}
