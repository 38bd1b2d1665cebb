/** What a call of the stand-in for macOS fails with: errno as macOS has it. */
import { DARWIN_ERRNO } from "../../../host/ffi/darwin/errno.ts";

export class Failure extends Error {
  readonly errno: number;

  constructor(name: keyof typeof DARWIN_ERRNO, why = "") {
    super(`${name} ${why}`);
    this.errno = DARWIN_ERRNO[name];
  }
}

/** As the kernel refuses what is not exactly as its headers have it. */
export function insist(holds: unknown, why: string): asserts holds {
  if (!holds) throw new Failure("EINVAL", why);
}
