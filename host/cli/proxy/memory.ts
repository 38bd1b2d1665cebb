/**
 * What a proxy that nobody uses holds on to without need: free memory of the C library, pages of the program that the start or a busy time
 * had mapped, garbage. Two thirds of what it has then.
 */
import { type Libc, openLibc } from "../../ffi/libc.ts";
import { releaseFilePages } from "../../os/file-pages.ts";
import type { QuietEvents } from "../../proxy/quiet.ts";

/** Node's, where `--expose-gc` is given (start.ts). "last-resort" compacts, and forgets what may be compiled again. */
type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

async function libcOf(): Promise<Libc | undefined> {
  try {
    return await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
  } catch {
    return undefined; // Without it there is the garbage only.
  }
}

/** @returns gives it back to the system, in some milliseconds */
export async function memoryRelease(): Promise<QuietEvents> {
  const libc = await libcOf();
  const { gc: collect } = globalThis as { gc?: Collect };
  const pause = (): void => {
    if (libc === undefined) return;
    libc.trimHeap();
    releaseFilePages?.(libc);
  };
  const rest = (): void => {
    // Compiled code goes with the shapes of objects that are no more; whoever comes next waits for the compiler again.
    collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
    pause();
  };
  return { pause, rest };
}
