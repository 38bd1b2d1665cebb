/**
 * The bytes of a configuration, to be read more than once. A file is read again. What can be read only once (a FIFO, /dev/fd/N, a
 * terminal) is copied into a file without a name, in memory, for root alone: so that its keys need not stay in this process.
 */
import { closeSync, fstatSync, openSync, statfsSync, unlinkSync, writeSync } from "node:fs";
import { CliError } from "../command-errors.ts";
import { readToEnd } from "../read-to-end.ts";

const COPY_FOLDERS = ["/dev/shm", "/run"];
/** <linux/magic.h>: keys do not go to a disk. */
const TMPFS_MAGIC = 0x01021994;

export class SourceBytes {
  /** A file, and not something that happens to have a path. */
  readonly isFile: boolean;
  readonly #name: string;
  readonly #descriptor: number;
  #isOpen = true;

  private constructor(name: string, descriptor: number, origin: "file" | "copy") {
    this.#name = name;
    this.#descriptor = descriptor;
    this.isFile = origin === "file";
  }

  /** @param name for errors. @throws CliError */
  static open(name: string, path: string | Buffer): SourceBytes {
    const descriptor = reading(name, () => openSync(path, "r"));
    try {
      if (fstatSync(descriptor).isFile()) return new SourceBytes(name, descriptor, "file");
      const bytes = reading(name, () => readToEnd(name, descriptor, null));
      closeSync(descriptor);
      return new SourceBytes(name, copy(name, bytes), "copy");
    } catch (error) {
      try {
        closeSync(descriptor);
      } catch {
        // Closed already.
      }
      throw error;
    }
  }

  /** All of it; the caller wipes it. @throws CliError */
  read(): Uint8Array {
    return reading(this.#name, () => readToEnd(this.#name, this.#descriptor, 0));
  }

  /** Once more does nothing. */
  close(): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}

function reading<T>(name: string, take: () => T): T {
  try {
    return take();
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    throw new CliError(`cannot read ${name} (${code})`, "Check what it is, and who may read it", 1, { cause });
  }
}

/** @returns a descriptor. The bytes are wiped. */
function copy(name: string, bytes: Uint8Array): number {
  try {
    for (const folder of COPY_FOLDERS) {
      const path = `${folder}/wasmguard-${process.pid}-${crypto.randomUUID()}`;
      try {
        if (statfsSync(folder).type !== TMPFS_MAGIC) continue;
        const descriptor = openSync(path, "wx+", 0o600);
        unlinkSync(path);
        for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
        return descriptor;
      } catch {
        // The next folder may do.
      }
    }
    throw new CliError(
      `no place in memory for ${name}`,
      `Mount a tmpfs at ${COPY_FOLDERS.join(" or ")}, or give a file`,
    );
  } finally {
    bytes.fill(0);
  }
}
