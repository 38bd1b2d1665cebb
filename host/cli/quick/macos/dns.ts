/**
 * DNS servers while the tunnel is up: every network service gets them by networksetup(8), and afterwards has again what it had. They outlive
 * a restart of the Mac, so what was there before is written down first, and stays written down until it is there again.
 */
import { isIP } from "node:net";
import { complain } from "../../print.ts";
import { checkInterruption } from "../shell.ts";
import type { Programs } from "./programs.ts";
import type { DnsSettings, NetworkRecord } from "./record.ts";

/** Of a list: it says so with words, and wants to be told so in one. */
const NONE = "Empty";
const NONE_TOLD = /^There aren't any /;

/** Behind a line that explains the asterisk, which a service has that is switched off. */
async function networkServices({ ask }: Programs): Promise<string[]> {
  const [, ...names] = (await ask("networksetup", "-listallnetworkservices")).split("\n");
  return names.map((name) => name.replace(/^\*/, "")).filter((name) => name !== "");
}

const isServer = (line: string): boolean => isIP(line) !== 0;
const isDomain = (line: string): boolean => /^[^\s*]\S*$/.test(line);

/** @returns undefined where that is no answer: errors, too, are told on stdout, and not always by an exit code */
function read(answer: string, isOne: (line: string) => boolean): string[] | undefined {
  const text = answer.trim();
  if (NONE_TOLD.test(text)) return [];
  const lines = text.split("\n");
  return lines.every(isOne) ? lines : undefined;
}

/** @returns undefined where it is not known */
async function settingsOf({ ask }: Programs, service: string): Promise<DnsSettings | undefined> {
  const servers = read(await ask("networksetup", "-getdnsservers", service), isServer);
  const search = read(await ask("networksetup", "-getsearchdomains", service), isDomain);
  return servers && search && { servers, search };
}

function alike(one: DnsSettings | undefined, other: DnsSettings): boolean {
  return one?.servers.join() === other.servers.join() && one.search.join() === other.search.join();
}

/** What networksetup would take for something else, as would whoever reads its answers. @returns the first; undefined if all will do */
export function unsettable({ servers, search }: DnsSettings): string | undefined {
  return servers.find((word) => !isServer(word)) ?? search.find((word) => !isSearch(word));
}

function isSearch(word: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u.test(word) && word.toLowerCase() !== NONE.toLowerCase();
}

/** @returns whether it has them then */
async function set(programs: Programs, service: string, settings: DnsSettings): Promise<boolean> {
  const words = (values: readonly string[]): readonly string[] => (values.length > 0 ? values : [NONE]);
  await programs.attempt(["networksetup", "-setdnsservers", service, ...words(settings.servers)]);
  await programs.attempt(["networksetup", "-setsearchdomains", service, ...words(settings.search)]);
  return alike(await settingsOf(programs, service), settings);
}

/** Also those that have come since. One that does not tell what it has keeps that. @throws CliError if a signal came */
export async function setServices(programs: Programs, record: NetworkRecord): Promise<void> {
  const { dns, services } = record.changes;
  if (dns === undefined) return;
  for (const service of await networkServices(programs)) {
    const present = await settingsOf(programs, service);
    // What was asked may have been ended by the signal.
    checkInterruption();
    if (alike(present, dns)) continue;
    if (present !== undefined) {
      services[service] ??= present;
      record.save();
      if (await set(programs, service, dns)) continue;
    }
    complain(`Warning: the network service ${service} did not get the tunnel's DNS servers\n`);
  }
}

/** From now on the tunnel has no DNS servers. What could not be put back stays in the record: a service may come back. */
export async function restoreServices(programs: Programs, { changes }: NetworkRecord): Promise<void> {
  changes.dns = undefined;
  for (const [service, before] of Object.entries(changes.services)) {
    if (await set(programs, service, before)) delete changes.services[service];
    else complain(`Warning: the network service ${service} did not get its DNS servers back\n`);
  }
}
