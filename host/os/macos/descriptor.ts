/** Descriptors as the daemon wants them: macOS has no flags for it where they are made. */
import { FILE } from "../../ffi/darwin/constants.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { check } from "../../ffi/libc.ts";

/** Never to block, and not for other programs. @returns the descriptor @throws SystemError, the descriptor being closed */
export function prepare(libc: DarwinLibc, fd: number): number {
  try {
    const flags = check("fcntl", libc.fcntl(fd, FILE.F_GETFL, 0));
    check("fcntl", libc.fcntl(fd, FILE.F_SETFL, flags | FILE.O_NONBLOCK));
    check("fcntl", libc.fcntl(fd, FILE.F_SETFD, FILE.FD_CLOEXEC));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** A prepared socket. @throws SystemError */
export function openSocket(libc: DarwinLibc, domain: number, type: number, protocol: number): number {
  return prepare(libc, check("socket", libc.socket(domain, type, protocol)));
}
