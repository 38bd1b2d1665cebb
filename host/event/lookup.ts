/** How the names of endpoints become addresses. */
import type { Signal } from "../ambient.ts";

/** As `dns.promises.lookup` and `dns.promises.resolve4` give them. */
type LookedUp = string | { readonly address: string };

/** Gives the numeric addresses of a host, best first. The signal says that nobody waits any more. */
export type Lookup = (
  host: string,
  options: { readonly signal: Signal },
) => Promise<LookedUp | readonly LookedUp[]> | LookedUp | readonly LookedUp[];
