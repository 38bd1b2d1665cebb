/**
 * What `up` has changed beyond the interface, in a file beside the tunnel's socket: whoever ends the tunnel undoes it by that, be it `down`, the
 * process that follows the network, or `down` after a crash. One process has the file at a time: to take it is to rename it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { socketFolder } from "../../../uapi/socket-path.ts";
import type { Family } from "./programs.ts";

/** Of a network service. */
export interface DnsSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

export interface Changes {
  readonly interfaceName: string;
  /** Absent where none is set, or no more. */
  dns?: DnsSettings | undefined;
  /** Whether the MTU follows that of the default route's interface. */
  readonly mtu: "automatic" | "given";
  /** Whose default routes lead into the tunnel. */
  families: Family[];
  /** The gateway of each endpoint that has a route of its own. */
  readonly endpoints: Record<string, string>;
  /** What each network service had before that has the tunnel's now. */
  readonly services: Record<string, DnsSettings>;
}

/** For as long as the other may take that has it: it may be asking every network service. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

const freePath = (name: string): string => `${socketFolder()}/${name}.network`;
const takenPath = (name: string): string => `${freePath(name)}.taken`;

/** Of one look at the folder: asked one by one, the file could go from one name to the other in between. */
function isThere(name: string): boolean {
  const names = [freePath(name), takenPath(name)].map((path) => basename(path));
  try {
    return readdirSync(socketFolder()).some((file) => names.includes(file));
  } catch {
    return false; // no folder
  }
}

/** @returns whether it was free */
function rename(name: string): boolean {
  try {
    renameSync(freePath(name), takenPath(name));
    return true;
  } catch {
    return false;
  }
}

/** Of a configuration whose tunnel sets DNS servers at the moment, other than this one. */
export function otherWithDns(name: string): string | undefined {
  const others = namesOfRecords().filter((other) => other !== name);
  return others.find((other) => [freePath, takenPath].some((path) => read(path(other))?.dns !== undefined));
}

function namesOfRecords(): string[] {
  try {
    return readdirSync(socketFolder()).flatMap((file) => /^(.+)\.network(?:\.taken)?$/.exec(file)?.[1] ?? []);
  } catch {
    return []; // no folder
  }
}

function read(path: string): Changes | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

export class NetworkRecord {
  readonly changes: Changes;
  readonly #name: string;

  private constructor(name: string, changes: Changes) {
    this.#name = name;
    this.changes = changes;
  }

  /** @param name of the configuration */
  static create(name: string, changes: Changes): NetworkRecord {
    mkdirSync(socketFolder(), { recursive: true, mode: 0o700 });
    const record = new NetworkRecord(name, changes);
    record.save();
    return record;
  }

  /** Wait until nobody else has it, but not for ever: somebody may have crashed. @returns undefined where there is none */
  static async take(name: string): Promise<NetworkRecord | undefined> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!rename(name) && performance.now() < deadline) {
      if (!isThere(name)) return undefined;
      await delay(POLL_MS);
    }
    const changes = read(takenPath(name));
    return changes && new NetworkRecord(name, changes);
  }

  /** Before anything is done that it tells of. */
  save(): void {
    const path = takenPath(this.#name);
    writeFileSync(`${path}.new`, JSON.stringify(this.changes), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** Let others have it, also where the disk is full. */
  release(): void {
    try {
      this.save();
    } finally {
      renameSync(takenPath(this.#name), freePath(this.#name));
    }
  }

  /** The tunnel has ended: the record is kept while it tells of what is not undone. */
  close(): void {
    const { endpoints, services } = this.changes;
    if (Object.keys({ ...endpoints, ...services }).length > 0) return this.release();
    rmSync(takenPath(this.#name), { force: true });
  }
}
