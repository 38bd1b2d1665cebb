/**
 * Error numbers of macOS (<sys/errno.h>) as those of Linux, which the rest of wasmguard knows them by: one set of numbers to decide on
 * and to show. A test compares them with Apple's headers.
 */
import { ERRNO } from "../errno.ts";

/** By name: the number on macOS. Up to 34 most are the same everywhere. */
export const DARWIN_ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  ECHILD: 10,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ERANGE: 34,
  EAGAIN: 35,
  EINPROGRESS: 36,
  EALREADY: 37,
  ENOTSOCK: 38,
  EDESTADDRREQ: 39,
  EMSGSIZE: 40,
  ENOPROTOOPT: 42,
  EPROTONOSUPPORT: 43,
  EAFNOSUPPORT: 47,
  EADDRINUSE: 48,
  EADDRNOTAVAIL: 49,
  ENETDOWN: 50,
  ENETUNREACH: 51,
  ECONNRESET: 54,
  ENOBUFS: 55,
  EISCONN: 56,
  ENOTCONN: 57,
  ETIMEDOUT: 60,
  ECONNREFUSED: 61,
  ELOOP: 62,
  ENAMETOOLONG: 63,
  EHOSTDOWN: 64,
  EHOSTUNREACH: 65,
  ENOSYS: 78,
  EOPNOTSUPP: 102,
} as const satisfies Partial<Record<keyof typeof ERRNO, number>>;

/** What has no number in Linux, or none that we know, is told as so many more: none of Linux's is as high. */
const UNKNOWN = 1000;

const KNOWN = Object.entries(DARWIN_ERRNO).map(
  ([name, number]) => [number, ERRNO[name as keyof typeof ERRNO]] as const,
);
const NUMBERS = Int32Array.from(
  { length: Math.max(...Object.values(DARWIN_ERRNO)) + 1 },
  (_, number) => UNKNOWN + number,
);
for (const [darwin, linux] of KNOWN) NUMBERS[darwin] = linux;

/** @param errno of macOS, positive @returns Linux's number for the same */
export function commonErrno(errno: number): number {
  return NUMBERS[errno] ?? UNKNOWN + errno;
}
