/**
 * Routes to the allowed IPs. A default route goes into a table of its own, which everything
 * but the tunnel's own marked packets is looked up in; wg-quick(8) tells the idea.
 */
import { writeFileSync } from "node:fs";
import { ascii } from "../../../address/ascii.ts";
import { CliError } from "../../command-errors.ts";
import type { ShownDevice } from "../../show/shown-device.ts";
import { applyRequest } from "../request.ts";
import { ask, attempt, echo, run } from "../shell.ts";
import { addFirewall, type Family, IPV4, IPV6 } from "./firewall.ts";

const TABLE_FIRST = 51820;
const VALID_MARK = "net.ipv4.conf.all.src_valid_mark";
const MAIN_RULE = "from all lookup main suppress_prefixlength 0";

const familyOf = (prefix: string): Family => (prefix.includes(":") ? IPV6 : IPV4);

async function isUsed(table: number): Promise<boolean> {
  for (const { flag } of [IPV4, IPV6]) {
    if ((await ask("ip", flag, "route", "show", "table", String(table))) !== "") return true;
  }
  return false;
}

async function freeTable(): Promise<number> {
  let table = TABLE_FIRST;
  while (await isUsed(table)) table++;
  return table;
}

async function setFirewallMark(device: ShownDevice, mark: number): Promise<void> {
  echo(`configure ${device.name}: fwmark ${mark}`);
  await applyRequest(device.name, ascii(`set=1\nfwmark=${mark}\n\n`));
  device.firewallMark = mark;
}

/** Answers to marked packets must pass the reverse path filter. */
function allowMarkedAnswers(): void {
  echo(`sysctl -q ${VALID_MARK}=1`);
  try {
    writeFileSync(`/proc/sys/${VALID_MARK.replaceAll(".", "/")}`, "1");
  } catch (cause) {
    throw new CliError(`cannot set ${VALID_MARK}`, "Set it to 1, or use Table = off", 1, { cause });
  }
}

async function addDefaultRoute(device: ShownDevice, prefix: string): Promise<void> {
  if (device.firewallMark === 0) await setFirewallMark(device, await freeTable());
  const [table, family] = [String(device.firewallMark), familyOf(prefix)];
  await run(["ip", family.flag, "route", "add", prefix, "dev", device.name, "table", table]);
  await run(["ip", family.flag, "rule", "add", "not", "fwmark", table, "table", table]);
  await run(["ip", family.flag, "rule", "add", "table", "main", "suppress_prefixlength", "0"]);
  if (family === IPV4) allowMarkedAnswers();
  await addFirewall(device.name, family, device.firewallMark);
}

/** @param device  its mark is the default route's, which is set where there is none yet */
export async function addRoute(device: ShownDevice, prefix: string, table: string): Promise<void> {
  const { flag } = familyOf(prefix);
  if (table !== "auto") await run(["ip", flag, "route", "add", prefix, "dev", device.name, "table", table]);
  else if (prefix.endsWith("/0")) await addDefaultRoute(device, prefix);
  else if ((await ask("ip", flag, "route", "show", "dev", device.name, "match", prefix)) === "") {
    await run(["ip", flag, "route", "add", prefix, "dev", device.name]);
  }
}

/** Delete the rule once for each time that it is there, but no more often than `most`. @returns how often it was */
async function deleteRule(flag: string, shown: RegExp, rule: readonly string[], most: number): Promise<number> {
  const rules = (await ask("ip", flag, "rule", "show")).split("\n");
  const times = Math.min(rules.filter((line) => shown.test(line)).length, most);
  for (let i = 0; i < times; i++) await attempt(["ip", flag, "rule", "delete", ...rule]);
  return times;
}

/** Undo a default route; other routes go with the interface. */
export async function removeRules(device: ShownDevice, table: string): Promise<void> {
  const hasDefault = device.peers.some((peer) => peer.allowedIps.some((prefix) => prefix.endsWith("/0")));
  if (table === "auto" && device.firewallMark !== 0 && hasDefault) await removeRulesOf(device.firewallMark);
}

/** Each default route came with two rules; other tunnels have theirs. @param table  also the mark of its tunnel */
export async function removeRulesOf(table: number): Promise<void> {
  const own = new RegExp(`lookup ${table}(\\s|$)`);
  const main = new RegExp(`${MAIN_RULE}(\\s|$)`);
  for (const { flag } of [IPV4, IPV6]) {
    const times = await deleteRule(flag, own, ["table", String(table)], Number.POSITIVE_INFINITY);
    await deleteRule(flag, main, ["table", "main", "suppress_prefixlength", "0"], times);
  }
}

/** Tables that rules of the kind above lead to, and that are empty: the interfaces of their routes have gone. */
export async function deadTables(): Promise<number[]> {
  const tables = new Set<number>();
  for (const { flag } of [IPV4, IPV6]) {
    for (const line of (await ask("ip", flag, "rule", "show")).split("\n")) {
      const [, mark, table] = /not from all fwmark (0x[\da-f]+) lookup (\d+)/.exec(line) ?? [];
      if (mark !== undefined && Number(mark) === Number(table)) tables.add(Number(table));
    }
  }
  const dead: number[] = [];
  for (const table of tables) if (!(await isUsed(table))) dead.push(table);
  return dead;
}
