/** The emulated link: 100 Mbit/s, a round trip of 50 ms, a queue of one bandwidth-delay product; and what is bad about it. */
import type { LinkConditions } from "../../test/net/link.ts";

export const LINK = { delayMs: 25, megabitsPerSecond: 100, queueBytes: 625_000 } as const;

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly conditions: Partial<LinkConditions>;
  /** Seeds that are measured at the same time: as many as one processor can carry. */
  readonly together: number;
  readonly rounds: number;
}

export const ROWS: readonly Row[] = [
  { name: "overflow", title: "no loss but slow start's own", conditions: {}, together: 1, rounds: 5 },
  {
    name: "reordered",
    title: "1 % come 2 ms late",
    conditions: { reordering: 0.01, lateMs: 2 },
    together: 1,
    rounds: 5,
  },
  { name: "loss-0.1", title: "0.1 % are lost", conditions: { loss: 0.001 }, together: 5, rounds: 4 },
  { name: "loss-1", title: "1 % are lost", conditions: { loss: 0.01 }, together: 10, rounds: 2 },
];
