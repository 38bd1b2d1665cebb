/** How the names of endpoints become addresses. */
import type { Signal } from "../ambient.ts";

type Address = string | { readonly address: string };

/** Gives the numeric addresses of a host, best first. The signal says that nobody waits any more. */
export type Lookup = (
  host: string,
  options: { readonly signal: Signal },
) => Promise<Address | readonly Address[]> | Address | readonly Address[];
