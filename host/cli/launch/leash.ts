/**
 * A daemon in the foreground that its supervisor may not signal. The daemon becomes another user, and whoever is not that user needs CAP_KILL
 * to end it: a container's root may lack that. There, this process becomes a shell instead, which stays root, stays whom the supervisor knows,
 * and has the daemon as its child. Between them is a pipe whose one end only the shell holds: when it is asked to end it closes that, and the
 * daemon, which finds its standard input at its end, ends as by a signal. If the shell is killed, the same happens.
 */
import { existsSync } from "node:fs";
import { maskOf, permittedCapabilities } from "../../confine/capabilities.ts";
import { FILE } from "../../ffi/constants.ts";
import type { ProgramStart } from "../../ffi/execute.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { systemCall } from "../../ffi/system-calls.ts";
import { DAEMON_MARKER } from "../background.ts";

const SHELL = "/bin/sh";
const STDIN = 0;
/** Those that a shell can name in a redirection, and has no use for itself. */
const DIGITS = [3, 4, 5, 6, 7, 8, 9];
/**
 * Its arguments are the daemon's command line. The pipe's end for reading is its standard input; that for writing it opens by way of
 * /proc. A wait that a signal interrupts is begun again: only the daemon's own end is one.
 */
const script = (read: number, write: number): string => `again=yes
trap 'exec ${write}>&-; again=yes' TERM INT HUP QUIT
exec ${read}<&0 ${write}>/proc/self/fd/0 </dev/null
"$@" <&${read} ${read}<&- ${write}>&- &
exec ${read}<&-
while [ -n "$again" ]; do again=; wait $!; code=$?; done
exit $code`;

/** Whether nobody here could end a daemon that is another user. */
export function needsLeash(libc: Libc): boolean {
  const mayKill = (permittedCapabilities(libc) & maskOf(["CAP_KILL"])) !== 0;
  return process.getuid?.() === 0 && !mayKill && existsSync(SHELL);
}

/**
 * What to become instead. The pipe is made, and standard input is its end.
 * @param inherited  descriptors that are the daemon's, and stay what they are  @throws SystemError
 */
export function onLeash(
  libc: Libc,
  { program, argv, environment }: ProgramStart,
  inherited: readonly number[],
): ProgramStart {
  const [read = 0, write = 0] = DIGITS.filter((digit) => !inherited.includes(digit));
  const { view, at } = libc.scratch;
  check("pipe2", libc.pipe2(at(0), FILE.O_CLOEXEC));
  check("dup3", libc.systemCall(systemCall("dup3")!, view.getInt32(0, true), STDIN, 0));
  return {
    program: SHELL,
    argv: ["sh", "-c", script(read, write), "sh", program, ...argv.slice(1)],
    environment: { ...environment, [DAEMON_MARKER]: "leashed" },
  };
}
