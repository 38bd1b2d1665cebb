/** What `npm run bench:proxy` keeps, as it was measured last. */
import type { machine } from "../tunnel/machine.ts";
import type { ProxyRun } from "./measure.ts";

export interface ProxyResults {
  /** UTC. */
  readonly date: string;
  readonly command: string;
  /** Load averages over one minute, before and after. */
  readonly load: readonly [number, number];
  readonly seconds: number;
  readonly machine: ReturnType<typeof machine>;
  readonly runtime: string;
  readonly runs: readonly ProxyRun[];
}
