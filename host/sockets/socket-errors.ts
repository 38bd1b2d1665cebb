/** Errors of sockets, shaped as the runtime's own: `code`, `errno`, `syscall`, `address`, `port`. What programs test for works as with net.Socket. */
import { constants } from "node:os";

export interface SocketError extends Error {
  code: string;
  /** Negative, as libuv has it. */
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

export interface Where {
  readonly address: string;
  readonly port: number;
}

/** libuv's numbers for codes of the resolver, which are no errno of the system. */
const RESOLVER_ERRNO: Record<string, number> = { ENOTFOUND: -3008, ESERVFAIL: -3001, ETIMEOUT: -110 };

function errnoOf(code: string): number {
  const numbers: Record<string, number | undefined> = constants.errno;
  const system = Object.hasOwn(numbers, code) ? numbers[code] : undefined;
  return system !== undefined ? -system : (RESOLVER_ERRNO[code] ?? -1);
}

/** @param syscall "connect", "read", "listen", "getaddrinfo" … */
export function socketError(code: string, syscall: string, where?: Where): SocketError {
  const place = where === undefined ? "" : ` ${where.address}:${where.port}`;
  return Object.assign(new Error(`${syscall} ${code}${place}`), {
    code,
    errno: errnoOf(code),
    syscall,
    ...(where !== undefined && { address: where.address, port: where.port }),
  });
}
