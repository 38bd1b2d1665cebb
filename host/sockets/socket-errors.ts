/** Errors of sockets, shaped as the runtime's own: `code`, `errno`, `syscall`, `address`, `port`. What programs test for works as with net.Socket. */
import { constants } from "node:os";
import { getSystemErrorMap, inspect, types } from "node:util";
import { errnoIsLibuvs } from "../platform.ts";

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

/** On Windows libuv has numbers of its own for everything, which constants.errno does not know. */
let numbersOfLibuv: ReadonlyMap<string, number> | undefined;

function errnoOf(code: string): number {
  if (errnoIsLibuvs()) {
    numbersOfLibuv ??= new Map([...getSystemErrorMap()].map(([number, [name]]) => [name, number]));
    return numbersOfLibuv.get(code) ?? -1;
  }
  const numbers: Record<string, number | undefined> = constants.errno;
  const system = Object.hasOwn(numbers, code) ? numbers[code] : undefined;
  return system !== undefined ? -system : (RESOLVER_ERRNO[code] ?? -1);
}

/** As net and dgram throw it, before anything is tried. @param least the smallest port that there is, in their words */
export function checkPort(port: unknown, least: ">= 0" | "> 0"): number {
  const number = typeof port === "string" && port.trim() !== "" ? Number(port) : port;
  const valid = typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 0xffff;
  if (valid && (least === ">= 0" || number > 0)) return number;
  const received = port === undefined || port === null ? String(port) : `type ${typeof port} (${inspect(port)})`;
  throw Object.assign(new RangeError(`Port should be ${least} and < 65536. Received ${received}.`), {
    code: "ERR_SOCKET_BAD_PORT",
  });
}

/** What was thrown, if it is an error: also one of the runtime's where a program has globals of its own. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error || types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}

/** As every call of the runtime that takes a signal. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  error.name = "AbortError";
  return Object.assign(error, { code: "ABORT_ERR" });
}

/** A name that leads nowhere, as dns.lookup tells it. */
export function nameError(code: string, hostname: string): SocketError {
  const error = socketError(code, "getaddrinfo");
  return Object.assign(error, { hostname, message: `getaddrinfo ${code} ${hostname}` });
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
