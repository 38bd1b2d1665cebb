/**
 * Errors that end a UAPI request, each with the errno that the client is told. Messages never quote input:
 * a mistyped line may hold a key. `wg` wants the numbers of Linux on every system.
 */
import { PeerLimitError, RouteLimitError } from "../errors.ts";

export const ERRNO = {
  EIO: 5,
  EINVAL: 22,
  /** ENOANO: wireguard-go's code for whatever has no better one. */
  UNKNOWN: 55,
  EPROTO: 71,
  EADDRINUSE: 98,
} as const;

export class UapiError extends Error {
  /** Positive; the session gives it the sign that the operation calls for. */
  readonly errno: number;

  constructor(errno: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.errno = errno;
  }
}

/** The line has no `=`. */
export class UapiSyntaxError extends UapiError {
  constructor() {
    super(ERRNO.EPROTO, "UAPI line without '='");
  }
}

/** An unknown key, a key in the wrong place, or a value that does not fit it. */
export class UapiValueError extends UapiError {
  constructor(key: string) {
    super(ERRNO.EINVAL, `UAPI ${key}: not allowed here, or value not valid`);
  }
}

/** The port cannot be bound, or the mark not be set: one errno for both, as in wireguard-go. */
export class UapiSocketError extends UapiError {
  constructor(key: string, cause: unknown) {
    super(ERRNO.EADDRINUSE, `UAPI ${key}: refused by the system`, { cause });
  }
}

/** @returns the errno for what stopped a request, or undefined for a fault, which nobody foresaw */
export function errnoOf(error: unknown): number | undefined {
  if (error instanceof UapiError) return error.errno;
  return error instanceof PeerLimitError || error instanceof RouteLimitError ? ERRNO.EINVAL : undefined;
}
