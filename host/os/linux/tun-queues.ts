/**
 * The queues of one TUN device, one for each thread. The kernel gives every flow to one of them: to the queue that its
 * other direction was last written to, or by its hash.
 */
import { SystemError, TunBusyError } from "../../errors.ts";
import { EINVAL } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import { type LinuxTun, openTun, type TunDeviceOptions } from "./tun.ts";

/** @returns as many queues as there are threads; a single one where the device cannot have more  @throws as openTun */
export function openQueues(
  libc: Libc,
  name: string,
  options: TunDeviceOptions,
  threads: number,
  log: (level: "error" | "verbose", message: string) => void,
): [LinuxTun, ...LinuxTun[]] {
  if (threads === 1) return [openTun(libc, name, options)];
  const queues: LinuxTun[] = [];
  try {
    queues.push(openTun(libc, name, { ...options, multiQueue: true }));
    while (queues.length < threads) queues.push(openTun(libc, name, { ...options, multiQueue: true, mtu: 0 }));
    return queues as [LinuxTun, ...LinuxTun[]];
  } catch (error) {
    for (const queue of queues) queue.close();
    if (!refusesQueues(error)) throw error;
    log("error", "the TUN device has one queue: working with one thread");
    return [openTun(libc, name, options)];
  }
}

/** A device that was made with one queue, or a system that knows no more, says EINVAL. */
function refusesQueues(error: unknown): boolean {
  return error instanceof TunBusyError && error.cause instanceof SystemError && error.cause.errno === EINVAL;
}
