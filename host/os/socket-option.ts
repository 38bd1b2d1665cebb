/** Options of sockets that are an int. */
import type { Scratch } from "../ffi/scratch.ts";

/** Of a system's C library. */
export interface OptionCalls {
  readonly scratch: Scratch;
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number;
}

/** @returns 0 or −errno */
export function setOption(libc: OptionCalls, fd: number, level: number, option: number, value: number): number {
  libc.scratch.view.setInt32(0, value, true);
  return libc.setsockopt(fd, level, option, libc.scratch.at(0), 4);
}

/** @returns its value, or −errno */
export function getOption(libc: OptionCalls, fd: number, level: number, option: number): number {
  const { view, at } = libc.scratch;
  view.setUint32(0, 0, true);
  view.setUint32(8, 4, true);
  const result = libc.getsockopt(fd, level, option, at(0), at(8));
  return result < 0 ? result : view.getInt32(0, true);
}
