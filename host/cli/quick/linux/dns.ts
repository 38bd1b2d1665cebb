/** DNS servers while the tunnel is up, through resolvconf. Without resolvconf the user is told, and the tunnel works. */
import { existsSync, readFileSync } from "node:fs";
import type { SystemSettings } from "../../../config/settings.ts";
import { complain } from "../../print.ts";
import { ask, attempt, hasProgram, run } from "../shell.ts";

const INTERFACE_ORDER = "/etc/resolvconf/interface-order";

/** Debian's resolvconf ranks entries by a prefix; one that matches any interface name puts ours first. */
function resolvconfEntry(interfaceName: string): string {
  if (!existsSync(INTERFACE_ORDER)) return interfaceName;
  const prefix = /^([A-Za-z0-9-]+)\*$/m.exec(readFileSync(INTERFACE_ORDER, "utf8"))?.[1];
  return prefix === undefined ? interfaceName : `${prefix}.${interfaceName}`;
}

export async function setDns(interfaceName: string, { dnsServers, dnsSearch }: SystemSettings): Promise<void> {
  if (dnsServers.length === 0) return;
  if (!hasProgram("resolvconf")) {
    complain(
      `Warning: DNS = ${dnsServers.join(", ")} is not set, because there is no resolvconf. ` +
        "Install openresolv, or set the servers by a PostUp line.\n",
    );
    return;
  }
  const servers = dnsServers.map((server) => `nameserver ${server}\n`).join("");
  const search = dnsSearch.length > 0 ? `search ${dnsSearch.join(" ")}\n` : "";
  await run(["resolvconf", "-a", resolvconfEntry(interfaceName), "-m", "0", "-x"], servers + search);
}

export async function unsetDns(interfaceName: string, { dnsServers }: SystemSettings): Promise<void> {
  if (dnsServers.length === 0 || !hasProgram("resolvconf")) return;
  await attempt(["resolvconf", "-d", resolvconfEntry(interfaceName), "-f"]);
}

/** Without resolvconf nothing tells what is set, so it is what the configuration says. */
export async function presentDns(interfaceName: string, { dnsServers, dnsSearch }: SystemSettings): Promise<string[]> {
  if (!hasProgram("resolvconf")) return [...dnsServers, ...dnsSearch];
  const entry = await ask("resolvconf", "-l", resolvconfEntry(interfaceName));
  return [...entry.matchAll(/^nameserver ([a-zA-Z0-9_=+:%.-]+)$/gm)].map((match) => match[1]!);
}
