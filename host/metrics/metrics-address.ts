/** Where metrics are served: on this machine only. */
import { MetricsAddressError } from "../errors.ts";

/** Where to serve: `127.0.0.1:9586`, `[::1]:9586`, or the path of a unix socket. */
export type MetricsAddress =
  | { readonly kind: "port"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

const PORT_MAX = 65_535;

/** @throws MetricsAddressError for what is neither, or would be open to the network */
export function parseMetricsAddress(text: string): MetricsAddress {
  if (text.startsWith("/")) return { kind: "unix", path: text };
  const match = /^(?:127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/.exec(text);
  const port = Number(match?.[1] ?? Number.NaN);
  if (!(port >= 1 && port <= PORT_MAX)) throw new MetricsAddressError(text);
  return { kind: "port", host: text.startsWith("[") ? "::1" : "127.0.0.1", port };
}
