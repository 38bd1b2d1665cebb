/** What decides how much may be in flight. Sizes in bytes. One for each connection; cubic.ts is the one there is. */
import type { Instant } from "../../time/instant.ts";

export interface CongestionControl {
  readonly window: number;
  readonly threshold: number;
  /** Data was acknowledged while no loss is being repaired. `rtt` is NaN when this acknowledgement measured none. */
  acknowledged(bytes: number, rtt: number, smoothed: number, una: number, nxt: number, now: Instant): void;
  /** A round of losses, or of congestion marks, begins. @returns the window to come down to */
  lost(flight: number): number;
  /** The retransmission timer ran out. */
  timedOut(flight: number): void;
  /** Recovery sets the window while it lasts (RFC 6937). */
  limit(window: number): void;
  /** What looked like loss was none: go back to what was before the last `lost` or `timedOut`. */
  undo(): void;
  /** Nothing was sent for some time (RFC 5681 §4.1). */
  idle(): void;
  /** The size of segments changed. */
  segmentSize(bytes: number): void;
}
