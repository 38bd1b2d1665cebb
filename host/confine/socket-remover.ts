/**
 * Removes the daemon's sockets when the daemon, which by then may remove nothing, asks for it. The directory belongs to
 * root and is shared with other tunnels, so a right over it would be a right over their sockets. Instead a shell waits at
 * a pipe: it runs as the user that started the daemon (as root, without a single capability, where there is setpriv),
 * reads one word, and knows these paths only. When the daemon ends without asking, it ends too and removes nothing.
 * The daemon may not even look into the directory by then, so that the shell is done shows by its end: it holds a pipe open.
 */
import { FILE } from "../ffi/constants.ts";
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
  readonly #tell: (message: string) => void;
  /** Where the word goes. */
  readonly #word: number;
  /** Comes to its end with the shell. */
  readonly #end: number;

  /**
   * Start the shell, while processes may still be started.
   * @param tell  what the user should know @throws SystemError
   */
  constructor(libc: Libc, paths: readonly string[], tell: (message: string) => void) {
    this.#libc = libc;
    this.#tell = tell;
    const word = openPipe(libc, FILE.O_CLOEXEC);
    const end = openPipe(libc, FILE.O_CLOEXEC | FILE.O_NONBLOCK);
    this.#word = word.writer;
    this.#end = end.reader;
    try {
      const start = { program: SHELL, argv: ["sh", "-c", SCRIPT, "sh", ...paths] };
      const descriptors = [
        { ours: word.reader, its: 0 },
        { ours: end.writer, its: 3 },
      ];
      startProgram(libc, start, descriptors, "shared");
    } catch (error) {
      libc.close(word.writer);
      libc.close(end.reader);
      throw error;
    } finally {
      libc.close(word.reader);
      libc.close(end.writer);
    }
  }

  /** Ask for the removal, and wait until it is done, or takes too long. */
  async remove(): Promise<void> {
    const libc = this.#libc;
    libc.write(this.#word, libc.text(WORD), WORD.length);
    libc.close(this.#word);
    const deadline = performance.now() + WAIT_MS;
    while (libc.read(this.#end, libc.scratch.at(0), 1) !== 0) {
      if (performance.now() > deadline) return this.#tell("removing the socket takes too long: it may stay");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function openPipe(libc: Libc, flags: number): { reader: number; writer: number } {
  const { view, at } = libc.scratch;
  check("pipe2", libc.pipe2(at(0), flags));
  return { reader: view.getInt32(0, true), writer: view.getInt32(4, true) };
}
