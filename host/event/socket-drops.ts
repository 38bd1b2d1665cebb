/**
 * Datagrams that came when their socket had no room: the system drops them, and tells no program but by /proc/net on Linux (the last
 * column of its tables). No runtime has a call for that.
 */
import { readFileSync } from "node:fs";
import { ascii } from "../address/ascii.ts";
import { parseAddress } from "../address/ip.ts";
import { mayReadProc } from "../platform.ts";

const TABLES = { 4: "/proc/net/udp", 6: "/proc/net/udp6" } as const;

/**
 * @param address numeric, with a zone perhaps, that a socket of this network namespace is bound to
 * @returns       since it was opened; 0 where nobody tells
 */
export function socketDrops(family: 4 | 6, address: string, port: number): bigint {
  // A line: "number: local address, remote address, …, drops". Where there are thousands, one is taken apart.
  const lines = table(family);
  const start = lines.indexOf(`: ${localColumn(address, port)} `);
  if (start < 0) return 0n;
  const line = lines.slice(start, lines.indexOf("\n", start));
  return BigInt(line.trim().split(/\s+/).at(-1)!);
}

function table(family: 4 | 6): string {
  if (!mayReadProc()) return "";
  try {
    return readFileSync(TABLES[family], "latin1");
  } catch {
    return ""; // Another system, or one that hides it.
  }
}

/** As the kernel prints it: words of 32 bits as they lie in memory, of which those of our machines begin with the lowest byte. */
function localColumn(address: string, port: number): string {
  const host = ascii(address.split("%")[0]!);
  const bytes = parseAddress(host, 0, host.length)!;
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    for (const byte of bytes.slice(at, at + 4).reverse()) text += byte.toString(16).padStart(2, "0");
  }
  return `${text}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}
