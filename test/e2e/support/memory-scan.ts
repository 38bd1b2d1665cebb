/**
 * Looks for secrets in all memory that a process has: every readable mapping, every page that is there, by /proc/PID/mem.
 * Each secret is looked for as bytes, in halves, and as text that a program might have made of it.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const PAGE = 4096;
const ENTRY_BYTES = 8; // of /proc/PID/pagemap
const CHUNK_BYTES = 8 << 20;
/** No needle is longer: 64 hex digits of two bytes each. */
const OVERLAP_BYTES = 128;

export interface Find {
  readonly secret: string;
  /** "bytes", "first half", "second half", "hex", "HEX", "base64", and the texts again as "… UTF-16". */
  readonly form: string;
  /** What /proc/PID/maps calls the mapping: a path, [stack], or "anonymous". */
  readonly mapping: string;
  readonly address: number;
}

interface Needle {
  readonly secret: string;
  readonly form: string;
  readonly bytes: Buffer;
}

function needlesOf(secret: string, key: Buffer): Needle[] {
  const hex = key.toString("hex");
  const texts = { hex, HEX: hex.toUpperCase(), base64: key.toString("base64").replace(/=+$/, "") };
  const needles = [
    { secret, form: "bytes", bytes: key },
    { secret, form: "first half", bytes: key.subarray(0, 16) },
    { secret, form: "second half", bytes: key.subarray(16) },
  ];
  for (const [form, text] of Object.entries(texts)) {
    needles.push({ secret, form, bytes: Buffer.from(text, "latin1") });
    needles.push({ secret, form: `${form} UTF-16`, bytes: Buffer.from(text, "utf16le") });
  }
  return needles;
}

/** Address ranges of pages in memory or swap, within one mapping. */
function presentRanges(pagemap: number, start: number, end: number): [number, number][] {
  const ranges: [number, number][] = [];
  const entries = Buffer.alloc(64 * 1024);
  for (let at = start; at < end; ) {
    const wanted = Math.min(entries.length, ((end - at) / PAGE) * ENTRY_BYTES);
    const read = readSync(pagemap, entries, 0, wanted, (at / PAGE) * ENTRY_BYTES);
    if (read <= 0) break;
    for (let i = 0; i < read; i += ENTRY_BYTES, at += PAGE) {
      if ((entries[i + 7]! & 0xc0) === 0) continue; // neither present nor swapped
      const last = ranges.at(-1);
      if (last?.[1] === at) last[1] = at + PAGE;
      else ranges.push([at, at + PAGE]);
    }
  }
  return ranges;
}

function search(chunk: Buffer, base: number, mapping: string, needles: readonly Needle[], finds: Find[]): void {
  for (const { secret, form, bytes } of needles) {
    for (let i = chunk.indexOf(bytes); i >= 0; i = chunk.indexOf(bytes, i + 1)) {
      const address = base + i;
      const known = finds.some((find) => find.address === address && find.form === form && find.secret === secret);
      if (!known) finds.push({ secret, form, mapping, address });
    }
  }
}

/** Needs the right to trace the process. @param secrets 32 bytes each, by name */
export function scanMemory(pid: number, secrets: Readonly<Record<string, Buffer>>): Find[] {
  const needles = Object.entries(secrets).flatMap(([name, key]) => needlesOf(name, key));
  const finds: Find[] = [];
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const pagemap = openSync(`/proc/${pid}/pagemap`, "r");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)$/.exec(line);
      if (!match || match[3]![0] !== "r" || match[4] === "[vvar]" || match[4] === "[vsyscall]") continue;
      const [start, end] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
      for (const [from, to] of presentRanges(pagemap, start, end)) {
        for (let at = from; at < to; at += CHUNK_BYTES - OVERLAP_BYTES) {
          let read = 0;
          try {
            read = readSync(memory, chunk, 0, Math.min(CHUNK_BYTES, to - at), at);
          } catch {
            break; // unmapped meanwhile
          }
          search(chunk.subarray(0, read), at, match[4] || "anonymous", needles, finds);
          if (at + read >= to) break;
        }
      }
    }
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
  return finds;
}

/** Read bytes of another process. */
export function readMemory(pid: number, address: number, length: number): Buffer {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    const bytes = Buffer.alloc(length);
    readSync(memory, bytes, 0, length, address);
    return bytes;
  } finally {
    closeSync(memory);
  }
}
