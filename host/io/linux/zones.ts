/** IPv6 zones: names and indices of network interfaces, from sysfs. */
import { readdirSync, readFileSync } from "node:fs";
import type { Zones } from "../../uapi/endpoint.ts";

const DIRECTORY = "/sys/class/net";

function indexOf(name: string): number | undefined {
  if (!/^[^/\s]{1,15}$/.test(name) || name === "." || name === "..") return undefined;
  try {
    return Number(readFileSync(`${DIRECTORY}/${name}/ifindex`, "utf8"));
  } catch {
    return undefined;
  }
}

function nameOf(index: number): string | undefined {
  try {
    return readdirSync(DIRECTORY).find((name) => indexOf(name) === index);
  } catch {
    return undefined;
  }
}

export const linuxZones: Zones = { indexOf, nameOf };
