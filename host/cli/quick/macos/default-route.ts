/** Where packets go that no other route is for, as netstat(1) tells it. */
import type { Family, Programs } from "./programs.ts";

export interface DefaultRoute {
  readonly gateway: string;
  readonly interfaceName: string;
}

/** RTF_IFSCOPE: only sockets that are bound to its interface take it. */
const SCOPED = "I";

/** The columns behind the flags differ among releases, so the headings tell where the interface is. */
export function readDefaultRoute(table: string): DefaultRoute | undefined {
  let column = -1;
  for (const line of table.split("\n")) {
    const words = line.trim().split(/\s+/);
    const [destination, gateway = "", flags = ""] = words;
    if (destination === "Destination") column = words.indexOf("Netif");
    const interfaceName = words[column];
    if (destination !== "default" || interfaceName === undefined) continue;
    if (!gateway.startsWith("link#") && !flags.includes(SCOPED)) return { gateway, interfaceName };
  }
  return undefined;
}

/** @returns undefined where there is none with a gateway */
export async function defaultRoute({ ask }: Programs, family: Family): Promise<DefaultRoute | undefined> {
  return readDefaultRoute(await ask("netstat", "-nr", "-f", family));
}
