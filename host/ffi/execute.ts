/** Programs: one in the place of this process, or one beside it, with exactly the descriptors and variables that are named. */

import { FILE, PROCESS } from "./constants.ts";
import { check, type Libc, SPAWN_ACTIONS_BYTES, SPAWN_ATTRIBUTES_BYTES } from "./libc.ts";
import { NULL } from "./posix.ts";
import { SCRATCH_BYTES } from "./scratch.ts";
import { ignoreSignal } from "./signals.ts";
import { systemCall } from "./system-calls.ts";

/** Where the strings start in the scratch buffer: behind the child's number, the actions and the attributes. */
const ACTIONS_AT = 16;
const ATTRIBUTES_AT = ACTIONS_AT + SPAWN_ACTIONS_BYTES;
const WORDS_AT = ATTRIBUTES_AT + SPAWN_ATTRIBUTES_BYTES;

export interface ProgramStart {
  /** Its full path. */
  readonly program: string;
  /** From the program's name on. */
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Writes strings and arrays of their addresses into the scratch buffer, one after the other. */
class Words {
  readonly #libc: Libc;
  #end = WORDS_AT;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** @returns the string's address */
  text(word: string): number {
    const bytes = new TextEncoder().encode(word).length + 1;
    const start = this.#take(bytes);
    return this.#libc.text(word, start);
  }

  /** @returns the address of the array, which ends with NULL */
  array(words: readonly string[]): number {
    const addresses = words.map((word) => this.#libc.pointer(this.text(word)));
    this.#end = (this.#end + 7) & ~7;
    const start = this.#take(8 * (words.length + 1));
    [...addresses, 0].forEach((address, i) => {
      this.#libc.scratch.view.setBigUint64(start + 8 * i, BigInt(address), true);
    });
    return this.#libc.scratch.at(start);
  }

  #take(bytes: number): number {
    const start = this.#end;
    this.#end += bytes;
    if (this.#end > SCRATCH_BYTES) throw new RangeError("the command line and the environment are too long");
    return start;
  }
}

function assignments(environment: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** Become another program; all other threads end. @throws SystemError, RangeError, and never returns otherwise */
export function replaceProcess(libc: Libc, { program, argv, environment }: ProgramStart): never {
  // Node marks even the first three to be closed.
  for (const fd of [0, 1, 2]) libc.fcntl(fd, FILE.F_SETFD, 0);
  // A profiler in this process sends it all the time; one that waits would end the program that has no handler yet.
  ignoreSignal(libc, PROCESS.SIGPROF);
  const words = new Words(libc);
  const path = libc.pointer(words.text(program));
  const [args, variables] = [words.array(argv), words.array(assignments(environment))];
  check("execve", libc.systemCall(systemCall("execve")!, path, libc.pointer(args), libc.pointer(variables)), program);
  throw new Error("unreachable");
}

/**
 * Start a program beside this process.
 * @param descriptors  which of ours each of its own is; others that are not marked close-on-exec keep their number
 * @param session      its own: no terminal, no signals for this process's group
 * @returns            its process number @throws SystemError, RangeError
 */
export function startProgram(
  libc: Libc,
  { program, argv, environment }: ProgramStart,
  descriptors: readonly { readonly ours: number; readonly its: number }[],
  session: "own" | "shared",
): number {
  const { at, view } = libc.scratch;
  const words = new Words(libc);
  const path = words.text(program);
  const [args, variables] = [words.array(argv), words.array(assignments(environment))];
  libc.spawnActionsInit(at(ACTIONS_AT));
  for (const { ours, its } of descriptors) libc.spawnActionsDup2(at(ACTIONS_AT), ours, its);
  let attributes = NULL;
  if (session === "own") {
    attributes = at(ATTRIBUTES_AT);
    libc.spawnAttributesInit(attributes, PROCESS.POSIX_SPAWN_SETSID);
  }
  check("posix_spawn", libc.spawn(at(0), path, at(ACTIONS_AT), attributes, args, variables), program);
  return view.getInt32(0, true);
}
