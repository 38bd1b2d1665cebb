/**
 * Packet filter rules beside a default route: packets to the tunnel's own addresses that come in elsewhere are dropped,
 * and the mark of the outer UDP is kept for its answers. By nft, else iptables; the same rules and names as wg-quick,
 * so that either program can remove what the other made.
 */

import { complain } from "../../print.ts";
import { ask, attempt, hasProgram, run } from "../shell.ts";

export interface Family {
  /** For ip: -4 or -6. */
  flag: "-4" | "-6";
  iptables: "iptables" | "ip6tables";
  nft: "ip" | "ip6";
}

export const IPV4: Family = { flag: "-4", iptables: "iptables", nft: "ip" };
export const IPV6: Family = { flag: "-6", iptables: "ip6tables", nft: "ip6" };

const comment = (interfaceName: string): string => `-m comment --comment "wg-quick(8) rule for ${interfaceName}"`;

function nftScript(name: string, { nft }: Family, addresses: readonly string[], mark: number): string {
  const table = `${nft} wg-quick-${name}`;
  const chain = (chainName: string, hook: string, priority: number): string =>
    `add chain ${table} ${chainName} { type filter hook ${hook} priority ${priority}; }`;
  return [
    `add table ${table}`,
    chain("preraw", "prerouting", -300),
    chain("premangle", "prerouting", -150),
    chain("postmangle", "postrouting", -150),
    ...addresses.map(
      (to) => `add rule ${table} preraw iifname != "${name}" ${nft} daddr ${to} fib saddr type != local drop`,
    ),
    `add rule ${table} postmangle meta l4proto udp mark ${mark} ct mark set mark`,
    `add rule ${table} premangle meta l4proto udp meta mark set ct mark`,
    "",
  ].join("\n");
}

function iptablesScript(name: string, addresses: readonly string[], mark: number): string {
  const note = comment(name);
  return [
    "*raw",
    ...addresses.map((to) => `-I PREROUTING ! -i ${name} -d ${to} -m addrtype ! --src-type LOCAL -j DROP ${note}`),
    "COMMIT",
    "*mangle",
    `-I POSTROUTING -m mark --mark ${mark} -p udp -j CONNMARK --save-mark ${note}`,
    `-I PREROUTING -p udp -j CONNMARK --restore-mark ${note}`,
    "COMMIT",
    "",
  ].join("\n");
}

export async function addFirewall(name: string, family: Family, mark: number): Promise<void> {
  const lines = (await ask("ip", "-o", family.flag, "addr", "show", "dev", name)).split("\n");
  const addresses = lines.flatMap((line) => /inet6? ([0-9a-f:.]+)\/\d+/.exec(line)?.[1] ?? []);
  if (hasProgram("nft")) await run(["nft", "-f", "-"], nftScript(name, family, addresses, mark));
  else if (hasProgram(`${family.iptables}-restore`)) {
    await run([`${family.iptables}-restore`, "-n"], iptablesScript(name, addresses, mark));
  } else {
    complain(
      "Warning: there is neither nft nor iptables, so packets to the tunnel's addresses are taken from any interface.\n",
    );
  }
}

async function removeNft(name: string): Promise<boolean> {
  const tables = (await ask("nft", "list", "tables")).split("\n");
  const ours = tables.filter((line) => line.endsWith(` wg-quick-${name}`));
  if (ours.length > 0) await attempt(["nft", "-f", "-"], ours.map((table) => `delete ${table}\n`).join(""));
  return ours.length > 0;
}

async function removeIptables(name: string, { iptables }: Family): Promise<boolean> {
  const lines = (await ask(`${iptables}-save`)).split("\n");
  const isOurs = (line: string): boolean => line.startsWith("-A ") && line.includes(comment(name));
  if (!lines.some(isOurs)) return false;
  const kept = lines.filter((line) => line.startsWith("*") || line === "COMMIT" || isOurs(line));
  const script = kept.map((line) => line.replace(/^-A/, "-D")).join("\n");
  await attempt([`${iptables}-restore`, "-n"], `${script}\n`);
  return true;
}

/** @returns whether there was any of it */
export async function removeFirewall(name: string): Promise<boolean> {
  let any = hasProgram("nft") && (await removeNft(name));
  if (!hasProgram("iptables")) return any;
  for (const family of [IPV4, IPV6]) any = (await removeIptables(name, family)) || any;
  return any;
}
