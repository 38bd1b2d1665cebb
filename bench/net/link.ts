/**
 * The emulated link on the virtual clock: 100 Mbit/s, a round trip of 50 ms, a queue of one bandwidth-delay product. What it says depends on
 * seeds, not on the machine.
 */
import type { LinkConditions } from "../../test/net/link.ts";
import { Pair } from "../../test/net/pair.ts";

const LINK = { delayMs: 25, megabitsPerSecond: 100, queueBytes: 625_000 } as const;
const PIECE = new Uint8Array(64 << 10);

export const ROWS: readonly (readonly [name: string, conditions: Partial<LinkConditions>])[] = [
  ["no loss but slow start's own", {}],
  ["1 % come 2 ms late", { reordering: 0.01, lateMs: 2 }],
  ["0.1 % are lost", { loss: 0.001 }],
  ["1 % are lost", { loss: 0.01 }],
];

/** @returns Mbit/s that the user at the far end read, over so many seconds of the virtual clock */
export function overLink(conditions: Partial<LinkConditions>, seconds: number, seed: number): number {
  const pair = new Pair({ seed, there: { ...LINK, ...conditions }, back: LINK });
  const [near, far] = pair.connected();
  let bytes = 0;
  const feed = () => {
    while (near.write(PIECE, "given") > 0);
  };
  near.handler = { writable: feed };
  far.handler = {
    readable: () => {
      for (let piece = far.read(); piece !== undefined; piece = far.read()) bytes += piece.length;
    },
  };
  feed();
  pair.clock.runUntil(pair.clock.now + 1000 * seconds);
  return (bytes * 8) / seconds / 1e6;
}
