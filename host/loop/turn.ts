import { runtime } from "../platform.ts";

const DENO_PAUSE_MS = 2;

/**
 * Give the runtime's event loop a turn: signals, the log. Deno hears of signals on another thread and needs a real pause to be
 * told; for the others an immediate is enough.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (runtime() === "deno") setTimeout(resolve, DENO_PAUSE_MS);
    else setImmediate(resolve);
  });
}
