/**
 * What the portable driver takes from the system that it runs in, besides a clock and random bytes. Each entry of the package
 * says once which system that is; a browser has none of it.
 */
import { NUMERIC_ZONES, type Zones } from "../address/endpoint-text.ts";
import type { Bind } from "./bind.ts";
import type { Lookup } from "./lookup.ts";

export interface System {
  readonly zones: Zones;
  /** UDP sockets; undefined where there are none. */
  readonly makeBind?: () => Bind;
  /** The system's resolver. */
  readonly lookup?: Lookup;
  /** A clock that counts sleep too, in milliseconds; undefined where it may not be asked. */
  readonly uptime?: () => (() => number) | undefined;
  /** Bytes of a file, which the caller wipes. */
  readonly readFile?: (path: string | URL) => Promise<Uint8Array>;
}

let current: System = { zones: NUMERIC_ZONES };

export function provideSystem(provided: System): void {
  current = provided;
}

export function system(): System {
  return current;
}
