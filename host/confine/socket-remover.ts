/**
 * Removes the daemon's sockets when the daemon, which by then may remove nothing, asks for it. The directory belongs to
 * root and is shared with other tunnels, so a right over it would be a right over their sockets. Instead a shell waits at
 * a pipe: it runs as the user that started the daemon (as root, without a single capability, where there is setpriv),
 * reads one word, and knows these paths only. When the daemon ends without asking, it ends too and removes nothing.
 */
import { FILE } from "../ffi/constants.ts";
import { ENOENT } from "../ffi/errno.ts";
import { startProgram } from "../ffi/execute.ts";
import { check, type Libc } from "../ffi/libc.ts";

const WORD = "remove\n";
const REMOVE = '[ "$word" = remove ] && rm -f -- "$@"';
const UNPRIVILEGED = "setpriv --no-new-privs --bounding-set=-all --inh-caps=-all";
/** Its arguments are the paths. A terminal's Ctrl-C is for the daemon, which then asks. */
const SCRIPT = `trap "" INT TERM HUP
exec >/dev/null 2>&1
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
if ${UNPRIVILEGED} true; then exec ${UNPRIVILEGED} sh -c 'read -r word; ${REMOVE}' sh "$@"; fi
read -r word; ${REMOVE}`;
const SHELL = "/bin/sh";
const WAIT_MS = 2_000;
const POLL_MS = 5;

export class SocketRemover {
  readonly #libc: Libc;
  readonly #paths: readonly string[];
  readonly #pipe: number;

  /** Start the shell, while processes may still be started. @throws SystemError */
  constructor(libc: Libc, paths: readonly string[]) {
    this.#libc = libc;
    this.#paths = paths;
    const { view, at } = libc.scratch;
    check("pipe2", libc.pipe2(at(0), FILE.O_CLOEXEC));
    const reader = view.getInt32(0, true);
    this.#pipe = view.getInt32(4, true);
    try {
      const start = { program: SHELL, argv: ["sh", "-c", SCRIPT, "sh", ...paths] };
      startProgram(libc, start, [{ ours: reader, its: 0 }], "shared");
    } catch (error) {
      libc.close(this.#pipe);
      throw error;
    } finally {
      libc.close(reader);
    }
  }

  /** Ask for the removal, and wait until it is done. @returns whether they are gone */
  async remove(): Promise<boolean> {
    const libc = this.#libc;
    libc.write(this.#pipe, libc.text(WORD), WORD.length);
    libc.close(this.#pipe);
    const deadline = performance.now() + WAIT_MS;
    while (this.#paths.some((path) => libc.access(libc.text(path), FILE.F_OK) !== -ENOENT)) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }
}
