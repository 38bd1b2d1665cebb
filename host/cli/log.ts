/**
 * The daemon's log on stderr. It never keeps packets waiting, nor ends the daemon: a line that stderr has no room for now (its
 * reader stalls) or refuses (the reader has gone, the disk is full) is lost, and the next one that gets through says how many were.
 */
import { writeSync } from "node:fs";
import type { LogLevel } from "../daemon/daemon.ts";

const STDERR = 2;
const LABELS = { error: "ERROR", verbose: "DEBUG" } as const;
/** A pipe that poll(2) calls writable takes so much at once (PIPE_BUF), and a longer line might have to wait. */
const LINE_BYTES_MAX = 4096;

export class DaemonLog {
  readonly #interfaceName: string;
  readonly #level: LogLevel;
  #hasRoom: () => boolean = () => true;
  #lost = 0;

  constructor(interfaceName: string, level: LogLevel) {
    this.#interfaceName = interfaceName;
    this.#level = level;
  }

  /** From now on ask this before writing; until then a write may have to wait. */
  watchRoom(hasRoom: () => boolean): void {
    this.#hasRoom = hasRoom;
  }

  /** A line as wireguard-go writes them: `DEBUG: (wg0) 2025/01/31 13:37:00 text`. */
  write(level: "error" | "verbose", message: string): void {
    if (this.#level === "silent" || (level === "verbose" && this.#level !== "verbose")) return;
    if (this.#lost > 0 && !this.#line("error", `${this.#lost} lines of the log are lost: they were not read in time`)) {
      this.#lost += 1;
      return;
    }
    this.#lost = this.#line(level, message) ? 0 : 1;
  }

  /** @returns whether it was written */
  #line(level: "error" | "verbose", message: string): boolean {
    const time = new Date().toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");
    const line = Buffer.from(`${LABELS[level]}: (${this.#interfaceName}) ${time} ${message.replace(/\s*\n\s*/g, " ")}`);
    const bytes = Buffer.concat([line.subarray(0, LINE_BYTES_MAX - 1), Buffer.from("\n")]);
    try {
      return this.#hasRoom() && writeSync(STDERR, bytes) === bytes.length;
    } catch {
      return false;
    }
  }
}
