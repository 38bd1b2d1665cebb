/**
 * What the portable driver takes from the system that it runs in, besides a clock and random bytes. Each entry of the package
 * says once which system that is; a browser has none of it.
 */
import { NUMERIC_ZONES, type Zones } from "../address/endpoint-text.ts";
import type { Core } from "../core/core.ts";
import type { Bind } from "./bind.ts";
import type { DirectBind } from "./direct-bind.ts";
import type { Lookup } from "./lookup.ts";

/** Readable descriptors, for as long as they have something: who watches one reads all there is. */
export interface Readiness {
  /** @throws for a descriptor that cannot be watched */
  watch(fd: number, readable: () => void): void;
  /** Before it is closed. One that is not watched is no error. */
  unwatch(fd: number): void;
}

export interface System {
  readonly zones: Zones;
  /** UDP sockets; undefined where there are none. */
  readonly makeBind?: () => Bind;
  /** UDP sockets on linear memory, for the core they are made for. It throws a WasmguardError where this runtime has no FFI. */
  readonly makeDirectBind?: (core: Core) => Promise<DirectBind>;
  /** Tells when descriptors are readable; rejects where nobody does. */
  readonly readiness?: () => Promise<Readiness>;
  /** The system's resolver. */
  readonly lookup?: Lookup;
  /** A clock that counts sleep too, in milliseconds; undefined where it may not be asked. */
  readonly uptime?: () => (() => number) | undefined;
  /** Bytes of a file, which the caller wipes; undefined where they are more than `most`. */
  readonly readFile?: (path: string | URL, most: number) => Promise<Uint8Array | undefined>;
}

let current: System = { zones: NUMERIC_ZONES };

export function provideSystem(provided: System): void {
  current = provided;
}

export function system(): System {
  return current;
}
