/** Wait for what nobody tells of. */
import { setTimeout as delay } from "node:timers/promises";

/** How long a daemon may take to leave, so that `up` right after `down` finds its place free. */
const TIMEOUT_MS = 2000;
const POLL_MS = 20;

/** Until it is so, but not for ever. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>, timeoutMs = TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo()) && performance.now() < deadline) await delay(POLL_MS);
}
