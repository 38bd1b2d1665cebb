/** Where a request to an HTTP proxy wants to go (RFC 9112 §3.2): the authority of CONNECT, or an absolute URL. */
import { isIPv6 } from "node:net";
import type { Target } from "../way.ts";

const HTTP_PORT = 80;
/** What a request target consists of (RFC 9112 §3.2): nothing that could end its line, or that a URL parser leaves out. */
const VISIBLE = /^[!-~]*$/;
const HOST = /^[\w-]+(\.[\w-]+)*\.?$/;

function target(host: string, port: number): Target | undefined {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (bare === host ? !HOST.test(host) : !isIPv6(bare)) return undefined;
  return port >= 1 && port <= 0xffff ? { host: bare, port } : undefined;
}

/** `host:port` or `[address]:port` */
export function authorityTarget(authority: string): Target | undefined {
  const match = /^(.+):(\d{1,5})$/.exec(authority);
  return match === null ? undefined : target(match[1]!, Number(match[2]));
}

export interface AbsoluteTarget {
  readonly target: Target;
  /** What the Host field of the request must say (RFC 9112 §3.2.2). */
  readonly host: string;
  /** Path and query, as they were given (RFC 9110 §7.7). */
  readonly path: string;
}

/** `http://host[:port]/path`; undefined for every other form or scheme */
export function absoluteTarget(url: string): AbsoluteTarget | undefined {
  if (!/^http:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { hostname, host, port, username, password } = new URL(url);
  // A URL parser takes a backslash for a slash; servers may see another host, or another path.
  const [, path] = /^http:\/\/[^/?#\\]+([^#\\]*)/i.exec(url) ?? [];
  if (path === undefined || !VISIBLE.test(url) || url.includes("\\")) return undefined;
  // A login in the URL is for nobody but the client itself (RFC 9110 §4.2.4).
  if (username !== "" || password !== "") return undefined;
  const found = target(hostname, port === "" ? HTTP_PORT : Number(port));
  return found && { target: found, host, path: path.startsWith("/") ? path : `/${path}` };
}
