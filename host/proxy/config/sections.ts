/** The sections that wireproxy knows, each to a service. Keys are matched without regard to case, unknown ones are remarked on. */
import { ConfigError } from "../../config/config-errors.ts";
import type { ResolveStrategy, Service } from "./plan.ts";
import { readBind, readPort, readSeconds, readTarget } from "./values.ts";

export interface Entry {
  readonly value: string;
  readonly line: number;
}

/** One section of the file, as it stands there. */
export class Section {
  readonly name: string;
  readonly line: number;
  readonly fileName: string;
  readonly entries = new Map<string, Entry>();
  readonly #asked = new Set<string>();

  constructor(fileName: string, name: string, line: number) {
    this.fileName = fileName;
    this.name = name;
    this.line = line;
  }

  /** @throws ConfigError if the key is missing or its value is not valid */
  required<T>(key: string, read: (text: string) => T | undefined, example: string): T {
    const value = this.optional(key, read, example);
    if (value !== undefined) return value;
    throw new ConfigError(this.fileName, this.line, `[${this.name}] has no ${key}`, `Write ${key} = ${example}`);
  }

  /** @throws ConfigError if there is a value and it is not valid */
  optional<T>(key: string, read: (text: string) => T | undefined, example: string): T | undefined {
    this.#asked.add(key.toLowerCase());
    const entry = this.entries.get(key.toLowerCase());
    if (entry === undefined || entry.value === "") return undefined;
    const value = read(entry.value);
    if (value !== undefined) return value;
    throw new ConfigError(
      this.fileName,
      entry.line,
      `${key} of [${this.name}] has a value that is not valid`,
      `Write for example ${key} = ${example}`,
    );
  }

  text(key: string): string | undefined {
    return this.optional(key, (text) => text, "…");
  }

  /** Keys that nobody asked for. */
  *unknown(): Generator<string> {
    for (const [key, { line }] of this.entries) {
      if (!this.#asked.has(key))
        yield `${this.fileName}, line ${line}: [${this.name}] has no key ${key}; it is ignored`;
    }
  }
}

const bindOf = (section: Section) => section.required("BindAddress", readBind, "127.0.0.1:1080");
const targetOf = (section: Section) => section.required("Target", readTarget, "host.internal:5432");

function credentialsOf(section: Section): { credentials?: { user: string; password: string } } {
  const user = section.text("Username");
  const password = section.text("Password");
  if (user === undefined && password === undefined) return {};
  for (const [key, value] of Object.entries({ Username: user ?? "", Password: password ?? "" })) {
    if (new TextEncoder().encode(value).length <= 255) continue;
    throw new ConfigError(section.fileName, section.line, `${key} is longer than 255 bytes`, "Choose a shorter one.");
  }
  return { credentials: { user: user ?? "", password: password ?? "" } };
}

function tlsOf(section: Section): { tls?: { certFile: string; keyFile: string } } {
  const certFile = section.text("CertFile");
  const keyFile = section.text("KeyFile");
  if (certFile === undefined && keyFile === undefined) return {};
  if (certFile !== undefined && keyFile !== undefined) return { tls: { certFile, keyFile } };
  const missing = certFile === undefined ? "CertFile" : "KeyFile";
  throw new ConfigError(section.fileName, section.line, `[http] has no ${missing}`, "Give both, or neither.");
}

const SERVICES: Record<string, (section: Section) => Service> = {
  socks5: (section) => ({ kind: "socks5", bind: bindOf(section), ...credentialsOf(section) }),
  http: (section) => ({ kind: "http", bind: bindOf(section), ...credentialsOf(section), ...tlsOf(section) }),
  sni: (section) => ({ kind: "sni", bind: bindOf(section) }),
  tcpclienttunnel: (section) => ({ kind: "tcp-out", bind: bindOf(section), target: targetOf(section) }),
  tcpservertunnel: (section) => ({
    kind: "tcp-in",
    port: section.required("ListenPort", readPort, "3422"),
    target: targetOf(section),
  }),
  udpproxytunnel: (section) => ({
    kind: "udp-out",
    bind: bindOf(section),
    target: targetOf(section),
    idleMs: 1000 * (section.optional("InactivityTimeout", readSeconds, "30") ?? 0),
  }),
  stdiotunnel: (section) => ({ kind: "stdio", target: targetOf(section) }),
};

/** @returns the service, or undefined for a section of another kind. @throws ConfigError */
export function serviceOf(section: Section): Service | undefined {
  const name = section.name.toLowerCase();
  return Object.hasOwn(SERVICES, name) ? SERVICES[name]!(section) : undefined;
}

/** [Resolve]. @throws ConfigError */
export function strategyOf(section: Section): ResolveStrategy {
  const read = (text: string): ResolveStrategy | undefined =>
    (["auto", "ipv4", "ipv6"] as const).find((strategy) => strategy === text.toLowerCase());
  return section.optional("ResolveStrategy", read, "auto") ?? "auto";
}
