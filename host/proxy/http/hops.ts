/** How many proxies a TRACE or OPTIONS request may pass (RFC 9110 §7.6.2): who asks with more and more of them hears of each on the way. */
import type { IncomingMessage } from "node:http";

const COUNTED = new Set(["OPTIONS", "TRACE"]);
/** More are told to nobody. */
const MOST = 255;

/** @returns undefined where nobody counts; 0: this proxy has to answer itself */
export function hopsLeft({ method, headers }: Pick<IncomingMessage, "method" | "headers">): number | undefined {
  const text = headers["max-forwards"];
  if (!COUNTED.has(method ?? "") || typeof text !== "string" || !/^\d+$/.test(text)) return undefined;
  return Math.min(Number(text), MOST);
}
