/** What the daemon hands to its worker threads (host/loop/threads), which know this system alone. */
import type { Libc } from "../../ffi/libc.ts";
import type { LinuxTun } from "./tun.ts";

export interface ThreadParts {
  readonly libc: Libc;
  /** One queue of the TUN device for each worker. */
  readonly queues: readonly LinuxTun[];
}
