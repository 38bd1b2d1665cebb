/** Tells when a file is deleted or moved away: the daemon ends when its UAPI socket does. */
import { basename, dirname } from "node:path";
import { FILE, INOTIFY } from "../../ffi/constants.ts";
import { ENOENT } from "../../ffi/errno.ts";
import { INOTIFY_EVENT } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";

// The directory is watched, not the file: a bound socket keeps its inode alive after its name is gone.
const MASK = INOTIFY.IN_DELETE | INOTIFY.IN_MOVED_FROM | INOTIFY.IN_DELETE_SELF | INOTIFY.IN_MOVE_SELF;
const DIRECTORY_GONE =
  INOTIFY.IN_DELETE_SELF | INOTIFY.IN_MOVE_SELF | INOTIFY.IN_UNMOUNT | INOTIFY.IN_IGNORED | INOTIFY.IN_Q_OVERFLOW;

export class DeletionWatch {
  /** −errno where the system has no inotify (left): then whoever holds this asks from time to time. */
  readonly fd: number;
  readonly #libc: Libc;
  readonly #path: string;
  readonly #name: string;

  /** @param path of a file that exists */
  constructor(libc: Libc, path: string) {
    this.#libc = libc;
    this.#path = path;
    this.#name = basename(path);
    const fd = libc.inotifyInit1(INOTIFY.IN_NONBLOCK | INOTIFY.IN_CLOEXEC);
    const watched = fd < 0 ? fd : libc.inotifyAddWatch(fd, libc.text(dirname(path)), MASK);
    if (fd >= 0 && watched < 0) libc.close(fd);
    this.fd = watched < 0 ? watched : fd;
  }

  /** Read what is waiting. @returns true once the file was deleted or moved, even if there is a new one */
  isGone(): boolean {
    const { bytes, view, at } = this.#libc.scratch;
    let suspect = this.fd < 0;
    while (this.fd >= 0) {
      const n = this.#libc.read(this.fd, at(0), SCRATCH_BYTES);
      if (n <= 0) break;
      for (let i = 0; i + INOTIFY_EVENT.BYTES <= n; ) {
        const length = view.getUint32(i + INOTIFY_EVENT.nameLength, true);
        const mask = view.getUint32(i + INOTIFY_EVENT.mask, true);
        const from = i + INOTIFY_EVENT.BYTES;
        const name = new TextDecoder().decode(bytes.slice(from, Math.min(from + length, n)));
        if (name.split("\0", 1)[0] === this.#name) return true;
        suspect ||= (mask & DIRECTORY_GONE) !== 0;
        i = from + length;
      }
    }
    return suspect && this.#libc.access(this.#libc.text(this.#path), FILE.F_OK) === -ENOENT;
  }

  close(): void {
    if (this.fd >= 0) this.#libc.close(this.fd);
  }
}
