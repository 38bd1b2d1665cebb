/**
 * DNS servers while the tunnel is up: every network service gets them by networksetup(8), and afterwards has again what it had. They outlive
 * a restart of the Mac, so what was there before is written down first.
 */
import type { Programs } from "./programs.ts";
import type { DnsSettings, NetworkRecord } from "./record.ts";

/** Of a list: it says so with words, and wants to be told so in one. */
const NONE = "Empty";

/** Behind a line that explains the asterisk, which a service has that is switched off. */
async function networkServices({ ask }: Programs): Promise<string[]> {
  const [, ...names] = (await ask("networksetup", "-listallnetworkservices")).split("\n");
  return names.map((name) => name.replace(/^\*/, "")).filter((name) => name !== "");
}

async function list({ ask }: Programs, question: string, service: string): Promise<string[]> {
  const answer = (await ask("networksetup", question, service)).trim();
  return answer === "" || answer.includes(" ") ? [] : answer.split("\n");
}

async function settingsOf(programs: Programs, service: string): Promise<DnsSettings> {
  const servers = await list(programs, "-getdnsservers", service);
  return { servers, search: await list(programs, "-getsearchdomains", service) };
}

async function set({ attempt }: Programs, service: string, { servers, search }: DnsSettings): Promise<void> {
  const words = (values: readonly string[]): readonly string[] => (values.length > 0 ? values : [NONE]);
  await attempt(["networksetup", "-setdnsservers", service, ...words(servers)]);
  await attempt(["networksetup", "-setsearchdomains", service, ...words(search)]);
}

function alike(one: DnsSettings, other: DnsSettings): boolean {
  return one.servers.join() === other.servers.join() && one.search.join() === other.search.join();
}

/** Also those that have come since. */
export async function setServices(programs: Programs, record: NetworkRecord): Promise<void> {
  const { dns, services } = record.changes;
  if (dns === undefined) return;
  const names = await networkServices(programs);
  for (const service of names) {
    const present = await settingsOf(programs, service);
    if (alike(present, dns)) continue;
    services[service] ??= present;
    record.save();
    await set(programs, service, dns);
  }
}

/** Those that are there no more keep their place in the record: they may come back. */
export async function restoreServices(programs: Programs, { changes }: NetworkRecord): Promise<void> {
  const names = new Set(await networkServices(programs));
  for (const [service, before] of Object.entries(changes.services)) {
    if (names.has(service)) await set(programs, service, before);
  }
}
