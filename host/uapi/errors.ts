/**
 * Errors that end a UAPI request, each with the errno that the client is told. Messages never quote input:
 * a mistyped line may hold a key. `wg` wants the numbers of Linux on every system.
 */
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

export class ListenPortError extends UapiError {
  constructor(port: number, cause?: unknown) {
    super(ERRNO.EADDRINUSE, `cannot listen on UDP port ${port}`, { cause });
  }
}

export class FirewallMarkError extends UapiError {
  constructor(mark: number, cause?: unknown) {
    super(ERRNO.EADDRINUSE, `cannot set firewall mark ${mark}`, { cause });
  }
}

export class PeerLimitError extends UapiError {
  constructor(limit: number) {
    super(ERRNO.EINVAL, `no room for more than ${limit} peers`);
  }
}
