/** Hands a filter of system calls to the kernel. */
import { SECCOMP } from "../ffi/constants.ts";
import { EPERM } from "../ffi/errno.ts";
import { SOCK_FILTER, SOCK_FPROG } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { SCRATCH_BYTES } from "../ffi/scratch.ts";
import { systemCall } from "../ffi/system-calls.ts";
import { machine } from "../platform.ts";
import type { Filter } from "./filter.ts";

/** The one whose table of numbers filters are written for. */
export function filterArchitecture(): number {
  return machine() === "aarch64" ? SECCOMP.AUDIT_ARCH_AARCH64 : SECCOMP.AUDIT_ARCH_X86_64;
}

/** Needs no_new_privs. @returns 0 or −errno */
export function installFilter(libc: Libc, filter: Filter, threads: "all" | "this"): number {
  const { view, at } = libc.scratch;
  const program = SOCK_FPROG.BYTES;
  if (program + filter.length * SOCK_FILTER.BYTES > SCRATCH_BYTES) throw new RangeError("the filter is too long");
  filter.write(view, program);
  view.setUint16(SOCK_FPROG.length, filter.length, true);
  view.setBigUint64(SOCK_FPROG.filter, BigInt(libc.pointer(at(program))), true);
  const { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC } = SECCOMP;
  const flags = threads === "all" ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  const result = libc.systemCall(systemCall("seccomp")!, SECCOMP_SET_MODE_FILTER, flags, libc.pointer(at(0)));
  // Above zero: the thread that could not be brought in line.
  return result > 0 ? -EPERM : result;
}
