/** Values in the sections of a proxy. Each reader gives undefined for what is not one; the caller names file, line and key. */
import type { Target } from "../way.ts";

const PORT_MAX = 0xffff;
const SECONDS_MAX = 86_400;

export function readNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

export function readPort(text: string): number | undefined {
  return readNumber(text, 1, PORT_MAX);
}

export function readSeconds(text: string): number | undefined {
  return readNumber(text, 0, SECONDS_MAX);
}

/** `host:port` or `[address]:port` */
export function readTarget(text: string): Target | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text);
  const port = match ? readPort(match[3]!) : undefined;
  return match && port !== undefined ? { host: match[1] ?? match[2]!, port } : undefined;
}

/** As a target; `:port` stands for every address of this machine. */
export function readBind(text: string): Target | undefined {
  return readTarget(text.startsWith(":") ? `[::]${text}` : text);
}
