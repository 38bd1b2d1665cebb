/**
 * Reads a configuration for `wasmguard proxy`: a wg-quick file, alone or with the sections of wireproxy, or a file whose WGConfig
 * names one. The tunnel's part goes to the parser that `up` uses too. A value `$NAME` stands for an environment variable.
 */
import { ConfigError } from "../../config/config-errors.ts";
import { parseConfig } from "../../config/parse.ts";
import { type Settings, wipeSettings } from "../../config/settings.ts";
import type { Plan, ResolveStrategy, Service } from "./plan.ts";
import { type Section, serviceOf, strategyOf } from "./sections.ts";
import { type Environment, Sorter } from "./sorter.ts";
import { readSeconds } from "./values.ts";

const CHECK_ALIVE_SECONDS = 5;
const EVERYTHING = ["0.0.0.0/0", "::/0"];

export interface Source {
  /** The caller wipes them. */
  readonly bytes: Uint8Array;
  /** For errors. */
  readonly fileName: string;
}

function parseTunnel(sorter: Sorter, source: Source): Settings {
  const part = sorter.sort(source.bytes);
  try {
    return parseConfig(part, source.fileName);
  } finally {
    part.fill(0);
  }
}

/** What an interface of the system would do with it, and nobody does here. */
function* withoutMeaning({ system, tunnel }: Settings): Generator<string> {
  for (const [hook, commands] of Object.entries(system.hooks)) {
    if (commands.length > 0) yield `${hook} is not run: there is no interface`;
  }
  if (system.table !== "auto" && system.table !== "off") yield "Table is ignored: no routes are set";
  if (system.saveConfig) yield "SaveConfig is ignored: nothing is saved";
  if (tunnel.firewallMark !== 0) yield "FwMark is ignored: it takes a right that a proxy does without";
}

/**
 * @param source       the file
 * @param environment  for values that start with $
 * @param open         reads the file that WGConfig names
 * @throws             ConfigError; no secret is kept then
 */
export function readPlan(source: Source, environment: Environment, open: (path: string) => Source): Plan {
  const sorter = new Sorter(source.fileName, environment);
  let tunnel = parseTunnel(sorter, source);
  try {
    let extras = sorter.extras;
    const path = sorter.top.text("WGConfig");
    if (path !== undefined) {
      if (tunnel.tunnel.privateKey !== undefined || tunnel.tunnel.peers.length > 0) {
        const line = sorter.top.entries.get("wgconfig")!.line;
        throw new ConfigError(source.fileName, line, "WGConfig beside [Interface] or [Peer]", "Keep one of them.");
      }
      const other = open(path);
      const inner = new Sorter(other.fileName, environment);
      try {
        tunnel = parseTunnel(inner, other);
      } finally {
        other.bytes.fill(0);
      }
      sorter.remarks.push(
        ...inner.sections.map(({ name, line }) => `${other.fileName}, line ${line}: [${name}] is ignored`),
      );
      extras = inner.extras;
    }
    return plan(sorter, extras, tunnel);
  } catch (error) {
    wipeSettings(tunnel);
    throw error;
  }
}

function plan(sorter: Sorter, extras: Section, tunnel: Settings): Plan {
  const services: Service[] = [];
  const { remarks } = sorter;
  let resolve: ResolveStrategy = "auto";
  for (const section of sorter.sections) {
    const service = serviceOf(section);
    if (service !== undefined) services.push(service);
    else if (section.name.toLowerCase() === "resolve") resolve = strategyOf(section);
    else {
      remarks.push(`${section.fileName}, line ${section.line}: [${section.name}] is unknown; it is ignored`);
      continue;
    }
    remarks.push(...section.unknown());
  }
  const readList = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");
  const checkAlive = extras.optional("CheckAlive", readList, "10.0.0.1") ?? [];
  const seconds = extras.optional("CheckAliveInterval", (text) => readSeconds(text) || undefined, "5");
  remarks.push(...extras.unknown(), ...sorter.top.unknown(), ...withoutMeaning(tunnel));
  // As wireproxy has it: a peer that names no networks takes everything.
  for (const peer of tunnel.tunnel.peers) if (peer.allowedIps.length === 0) peer.allowedIps.push(...EVERYTHING);
  return { tunnel, services, resolve, checkAlive, checkAliveMs: 1000 * (seconds ?? CHECK_ALIVE_SECONDS), remarks };
}
