/**
 * Error numbers of Linux on x86_64 and arm64 (<asm-generic/errno-base.h>, <asm-generic/errno.h>):
 * those that wasmguard decides on or is likely to show. Functions return them negated.
 */
export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENXIO = 6;
export const EINVAL = 22;
export const ENOTDIR = 20;
export const EMFILE = 24;
export const EROFS = 30;
export const EPIPE = 32;
export const ENOSYS = 38;
export const ENOTSOCK = 88;
export const EBADFD = 77;
export const EMSGSIZE = 90;
export const ENOPROTOOPT = 92;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;

/** For messages, and for the comparison with the C headers. */
export const ERRNO = {
  EBADFD,
  EPERM,
  ENOENT,
  ESRCH,
  EINTR,
  EIO,
  ENXIO,
  EBADF,
  EAGAIN,
  ENOMEM,
  EACCES,
  EFAULT,
  EBUSY,
  EEXIST,
  ENODEV,
  EINVAL,
  EMFILE,
  EPIPE,
  ENOTSOCK,
  EMSGSIZE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EAFNOSUPPORT,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ENETDOWN,
  ENETUNREACH,
  ECONNRESET,
  ENOBUFS,
  ECONNREFUSED,
  EHOSTUNREACH,
  E2BIG: 7,
  ECHILD: 10,
  ENOTDIR,
  EISDIR: 21,
  ENFILE: 23,
  ENOTTY: 25,
  ENOSPC: 28,
  EROFS,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS,
  ELOOP: 40,
  EDESTADDRREQ: 89,
  EPROTONOSUPPORT: 93,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  EHOSTDOWN: 112,
  EALREADY: 114,
  EINPROGRESS: 115,
  ENOKEY: 126,
} as const;

const NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** @param errno positive */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}
