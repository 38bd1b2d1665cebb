/** Tells when the UAPI socket is gone, which ends the daemon: kqueue hears of files that leave its folder. */
import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { FILE } from "../../ffi/darwin/constants.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { check } from "../../ffi/libc.ts";

/** Which file it is: another one may have its name. */
type Identity = `${bigint}:${bigint}`;

/** @returns undefined where there is no file */
export type FileIdentity = (path: string) => Identity | undefined;

export const identityOf: FileIdentity = (path) => {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
};

export class SocketWatch {
  /** The folder, to wait on. */
  readonly fd: number;
  readonly #libc: DarwinLibc;
  readonly #path: string;
  readonly #identity: FileIdentity;
  readonly #before: Identity | undefined;

  /** @throws SystemError */
  constructor(libc: DarwinLibc, path: string, identity: FileIdentity = identityOf) {
    this.#libc = libc;
    this.#path = path;
    this.#identity = identity;
    this.#before = identity(path);
    const folder = dirname(path);
    this.fd = check("open", libc.open(libc.text(folder), FILE.O_RDONLY | FILE.O_CLOEXEC), folder);
  }

  isGone(): boolean {
    return this.#before !== undefined && this.#identity(this.#path) !== this.#before;
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}
