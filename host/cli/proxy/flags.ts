/** Flags of `wasmguard proxy` to services. */
import { isIPv6 } from "node:net";
import type { Credentials, ResolveStrategy, Service } from "../../proxy/config/plan.ts";
import { readNumber } from "../../proxy/config/values.ts";
import type { Target } from "../../proxy/way.ts";
import { UsageError } from "../command-errors.ts";
import type { OptionValues } from "../option-table.ts";
import type { PROXY_OPTIONS } from "./options.ts";

export type ProxyFlags = OptionValues<typeof PROXY_OPTIONS>;

const PORT_MAX = 0xffff;
const LOOPBACK = "127.0.0.1";
const UDP_IDLE_MS = 60_000;

/** `1080`, `127.0.0.1:1080`, `[::1]:1080`, `host:22`, `1080:host:22` …: words between colons, an IPv6 address in brackets being one. */
function wordsOf(text: string): string[] {
  return text.match(/\[[^\]]*\]|[^:[\]]+/g) ?? [];
}

function plain(word: string): string {
  return word.startsWith("[") ? word.slice(1, -1) : word;
}

/** @param least 0 where the system may choose the port */
function targetOf(flag: string, text: string, words: readonly string[], least = 1): Target {
  const [host, portText = ""] = words;
  const port = readNumber(portText, least, PORT_MAX);
  const bare = plain(host ?? "");
  const valid = host !== undefined && (host.startsWith("[") ? isIPv6(bare) : /^[\w.-]+$/.test(bare));
  // Joined again, so that nothing between the words was overlooked.
  if (words.length === 2 && port !== undefined && valid && words.join(":") === text) return { host: bare, port };
  throw new UsageError(
    `${flag} ${JSON.stringify(text)} is not HOST:PORT`,
    "Write for example db.internal:5432 or [fd00::1]:22",
  );
}

/** `[HOST:]PORT`, loopback without a host; port 0 is a free one. */
function readListen(flag: string, text: string): Target {
  const full = /^\d+$/.test(text) ? `${LOOPBACK}:${text}` : text;
  return targetOf(flag, full, wordsOf(full), 0);
}

interface Forward {
  readonly bind: Target;
  readonly target: Target;
}

/** `[HOST:]PORT:TARGET:PORT` */
function readForward(flag: string, text: string): Forward {
  const words = wordsOf(text);
  const split = words.length - 2;
  if (split < 1 || split > 2) {
    throw new UsageError(
      `${flag} ${JSON.stringify(text)} is not [HOST:]PORT:TARGET:PORT`,
      "Write for example 5432:db.internal:5432",
    );
  }
  const [first, second] = [words.slice(0, split), words.slice(split)];
  if ([...first, ...second].join(":") !== text) throw new UsageError(`${flag} ${JSON.stringify(text)} cannot be read`);
  return { bind: readListen(flag, first.join(":")), target: targetOf(flag, second.join(":"), second) };
}

/** `PORT:TARGET:PORT` */
function readInward(flag: string, text: string): { port: number; target: Target } {
  const { bind, target } = readForward(flag, text);
  if (!/^\d+:/.test(text)) throw new UsageError(`${flag} ${JSON.stringify(text)}: a port inside has no host in front`);
  return { port: bind.port, target };
}

export function servicesOf(flags: ProxyFlags, credentials: Credentials | undefined): Service[] {
  const login = credentials && { credentials };
  const { "tls-cert": certFile, "tls-key": keyFile } = flags;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UsageError("--tls-cert and --tls-key go together");
  const tls = certFile !== undefined && keyFile !== undefined ? { tls: { certFile, keyFile } } : {};
  const each = <T>(texts: readonly string[] | undefined, make: (text: string) => T): T[] => (texts ?? []).map(make);
  return [
    ...each(flags.socks, (text): Service => ({ kind: "socks5", bind: readListen("--socks", text), ...login })),
    ...each(flags.http, (text): Service => ({ kind: "http", bind: readListen("--http", text), ...login, ...tls })),
    ...each(flags.sni, (text): Service => ({ kind: "sni", bind: readListen("--sni", text) })),
    ...each(flags.local, (text): Service => ({ kind: "tcp-out", ...readForward("--local", text) })),
    ...each(flags.remote, (text): Service => ({ kind: "tcp-in", ...readInward("--remote", text) })),
    ...each(
      flags["udp-local"],
      (text): Service => ({ kind: "udp-out", idleMs: UDP_IDLE_MS, ...readForward("--udp-local", text) }),
    ),
    ...each(
      flags["udp-remote"],
      (text): Service => ({ kind: "udp-in", idleMs: UDP_IDLE_MS, ...readInward("--udp-remote", text) }),
    ),
    ...each(
      flags.stdio === undefined ? [] : [flags.stdio],
      (text): Service => ({ kind: "stdio", target: targetOf("--stdio", text, wordsOf(text)) }),
    ),
  ];
}

export function strategyOf(flags: ProxyFlags): ResolveStrategy | undefined {
  const { resolve } = flags;
  if (resolve === undefined || resolve === "auto" || resolve === "ipv4" || resolve === "ipv6") return resolve;
  throw new UsageError(`--resolve ${JSON.stringify(resolve)} is not auto, ipv4 or ipv6`);
}

/** A whole number of a flag. */
function numberOf(
  flag: string,
  text: string | undefined,
  range: { least: number; most: number; otherwise: number },
): number {
  if (text === undefined) return range.otherwise;
  const value = readNumber(text, range.least, range.most);
  if (value !== undefined) return value;
  throw new UsageError(`${flag} is not a number from ${range.least} to ${range.most}: ${JSON.stringify(text)}`);
}

/** What else the flags say of the run. */
export interface RunOptions {
  /** A connection without a byte for so long is reset; 0: never. */
  readonly idleMs: number;
  readonly connectionsMax: number;
  /** How long connections may go on after a signal to end. */
  readonly drainMs: number;
  readonly info: Target | undefined;
  readonly web: Target | undefined;
}

/** @throws UsageError */
export function runOptionsOf(flags: ProxyFlags): RunOptions {
  const listen = (flag: "info" | "web"): Target | undefined => {
    const text = flags[flag];
    return text === undefined ? undefined : readListen(`--${flag}`, text);
  };
  return {
    idleMs: 1000 * numberOf("--idle", flags.idle, { least: 0, most: 86_400, otherwise: 3600 }),
    connectionsMax: numberOf("--connections", flags.connections, { least: 1, most: 60_000, otherwise: 1024 }),
    drainMs: 1000 * numberOf("--drain", flags.drain, { least: 0, most: 3600, otherwise: 10 }),
    info: listen("info"),
    web: listen("web"),
  };
}
