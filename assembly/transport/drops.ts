/** Packets and messages that went nowhere, counted by reason. Threads share the counters. */
import { drops } from "../memory/layout";
import { Sharing } from "../memory/sharing";

/** Count a dropped packet. @param reason DROP_… */
export function countDrop(reason: u32): void {
  Sharing.count(drops + 8 * <usize>reason, 1);
}
