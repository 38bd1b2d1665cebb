/**
 * What a user of wasmguard can run into: typed errors with a stable `code` and a `nextStep`.
 * Peers never see one: bad packets are counted, not thrown. No message ever holds a key.
 */
import { OBSTACLE_STEPS, OBSTACLES, type Obstacle } from "./core/support.ts";
import { adviceFor } from "./errno-advice.ts";
import { errnoName } from "./ffi/errno.ts";

export abstract class WasmguardError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  /** One sentence for people: what to try. */
  abstract readonly nextStep: string;

  /** Written out in each class: minifiers rename classes. */
  abstract override readonly name: string;
}

/** A system call failed. `code` is the name of the errno, as Node's own errors have it. */
export class SystemError extends WasmguardError {
  readonly name = "SystemError";
  readonly code: string;
  readonly nextStep: string;
  readonly syscall: string;
  readonly errno: number;

  /** @param errno positive  @param subject what the call was about: a path, a name */
  constructor(syscall: string, errno: number, subject = "") {
    const name = errnoName(errno);
    super(`${syscall}${subject === "" ? "" : ` ${subject}`}: ${name}`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = name;
    this.nextStep = adviceFor(name) ?? "See what LOG_LEVEL=verbose and `dmesg` say of it.";
  }
}

/** This runtime cannot call the C library. */
export class FfiUnavailableError extends WasmguardError {
  readonly name = "FfiUnavailableError";
  readonly code = "FFI_UNAVAILABLE";
  readonly nextStep =
    "Run `npm install koffi`, or use Node >= 26 (with --allow-ffi under --permission), Bun, or Deno with --allow-ffi.";
  constructor(runtime: string, cause?: unknown) {
    super(`${runtime} cannot call system libraries`, { cause });
  }
}

/** FFI is there, but what it needs besides is the main thread's. */
export class FfiThreadError extends WasmguardError {
  readonly name = "FfiThreadError";
  readonly code = "FFI_THREAD";
  readonly nextStep = "Make the device on the main thread, or leave the driver to be chosen.";
  constructor() {
    super("system libraries are called on the main thread only");
  }
}

export class PlatformError extends WasmguardError {
  readonly name = "PlatformError";
  readonly code = "PLATFORM";
  readonly nextStep =
    "Use Linux on x86_64 or arm64 (or Windows, an experiment); `wasmguard proxy` and the library need no device and run elsewhere too (docs/PLATFORMS.md).";
  /** @param system with its processor: "sunos x64" */
  constructor(system: string) {
    super(`no network devices for ${system}`);
  }
}

/** The user that the daemon is to become. */
export class UserUnknownError extends WasmguardError {
  readonly name = "UserUnknownError";
  readonly code = "USER_UNKNOWN";
  readonly nextStep = "Name a user of /etc/passwd with --user, or start with --no-confine.";
  constructor(user: string) {
    super(`there is no user ${JSON.stringify(user)}`);
  }
}

/** The system refused steps of confinement. */
export class ConfinementError extends WasmguardError {
  readonly name = "ConfinementError";
  readonly code = "CONFINEMENT";
  readonly nextStep: string;

  /** @param refused  steps with reasons  @param steps  the names that would have to be allowed to fail */
  constructor(refused: readonly string[], steps: readonly string[]) {
    super(`cannot confine itself: the system refuses ${refused.join(" and ")}`);
    this.nextStep = `Make the system allow it, or go on without: --allow-unconfined=${steps.join(",")}`;
  }
}

export class TunPermissionError extends WasmguardError {
  readonly name = "TunPermissionError";
  readonly code = "TUN_PERMISSION";
  readonly nextStep: string;
  /** @param nextStep where it is another than on Linux */
  constructor(
    name: string,
    cause: unknown,
    nextStep = "Run as root, grant CAP_NET_ADMIN (a container: --cap-add NET_ADMIN --device /dev/net/tun), or pass an open descriptor in WG_TUN_FD.",
  ) {
    super(`not allowed to open TUN device ${name}`, { cause });
    this.nextStep = nextStep;
  }
}

export class TunMissingError extends WasmguardError {
  readonly name = "TunMissingError";
  readonly code = "TUN_MISSING";
  readonly nextStep =
    "Load the module with `modprobe tun`; in a container, pass the device with --device /dev/net/tun.";
  constructor(cause: unknown) {
    super("this machine has no /dev/net/tun", { cause });
  }
}

export class TunBusyError extends WasmguardError {
  readonly name = "TunBusyError";
  readonly code = "TUN_BUSY";
  readonly nextStep: string;
  /** @param nextStep where it is another than on Linux */
  constructor(
    name: string,
    cause: unknown,
    nextStep = "Choose another name, or stop the program that holds it; `ip link show` lists what there is.",
  ) {
    super(`network interface ${name} is in use`, { cause });
    this.nextStep = nextStep;
  }
}

export class TunNameError extends WasmguardError {
  readonly name = "TunNameError";
  readonly code = "TUN_NAME";
  readonly nextStep: string;
  /** @param nextStep where it is another than on Linux */
  constructor(name: string, nextStep = "Use 1 to 15 letters, digits or - _ . @ + = as in wg0.") {
    super(`${JSON.stringify(name)} cannot name a network interface`);
    this.nextStep = nextStep;
  }
}

export class PortInUseError extends WasmguardError {
  readonly name = "PortInUseError";
  readonly code = "PORT_IN_USE";
  readonly nextStep = "Set another listen-port, or 0 for a free one; `ss -ulpn` shows who has it.";
  constructor(port: number, cause: unknown) {
    super(`UDP port ${port} is in use`, { cause });
  }
}

export class SocketInUseError extends WasmguardError {
  readonly name = "SocketInUseError";
  readonly code = "SOCKET_IN_USE";
  readonly nextStep = "Stop the process that answers there, or choose another interface name.";
  constructor(path: string) {
    super(`another process answers on ${path}`);
  }
}

/** The control socket has no place. */
export class SocketDirectoryError extends WasmguardError {
  readonly name = "SocketDirectoryError";
  readonly code = "SOCKET_DIRECTORY";
  readonly nextStep =
    "Mount a tmpfs at /run (a container: --tmpfs /run), let this user write there, or name another directory: --socket-dir DIR.";
  constructor(directory: string, cause: SystemError) {
    super(`cannot make a socket in ${directory}: ${cause.code}`, { cause });
  }
}

export class SocketPathError extends WasmguardError {
  readonly name = "SocketPathError";
  readonly code = "SOCKET_PATH";
  readonly nextStep = "Use a path of at most 107 bytes without NUL.";
  constructor(path: string) {
    super(`${JSON.stringify(path)} cannot name a unix socket`);
  }
}

/** This runtime cannot run our WebAssembly. */
export class UnsupportedRuntimeError extends WasmguardError {
  readonly name = "UnsupportedRuntimeError";
  readonly code = "UNSUPPORTED_RUNTIME";
  readonly nextStep: string;
  constructor(obstacle: Obstacle) {
    super(OBSTACLES[obstacle]);
    this.nextStep = OBSTACLE_STEPS[obstacle];
  }
}

/** The memory that was asked for is more than a core can have. */
export class LimitsError extends WasmguardError {
  readonly name = "LimitsError";
  readonly code = "LIMITS";
  readonly nextStep: string =
    "Lower maxPeers or maxAllowedIps: together they have 2 GiB, of which a peer takes 4 KiB and an allowed IP 112 bytes.";
}

/** A core of that size would be possible, but not in this process. */
export class MemoryLimitError extends LimitsError {
  override readonly nextStep =
    "Raise the limit of the process (ulimit -v, LimitAS=) or free memory; a program may also lower maxPeers and maxAllowedIps.";
}

export class PeerLimitError extends WasmguardError {
  readonly name = "PeerLimitError";
  readonly code = "PEER_LIMIT";
  readonly nextStep = "Remove peers, or make the device with a larger maxPeers.";
  constructor(limit: number) {
    super(`no room for more than ${limit} peers`);
  }
}

export class RouteLimitError extends WasmguardError {
  readonly name = "RouteLimitError";
  readonly code = "ROUTE_LIMIT";
  readonly nextStep = "Remove allowed IPs, or make the device with a larger maxAllowedIps.";
  constructor() {
    super("no room for more allowed IPs");
  }
}

export class EngineClosedError extends WasmguardError {
  readonly name = "EngineClosedError";
  readonly code = "CLOSED";
  readonly nextStep = "Make a new device.";
  constructor() {
    super("the device is closed and its keys are wiped");
  }
}

/** What clients of metrics over TCP are to show cannot be had. */
export class MetricsTokenError extends WasmguardError {
  readonly name = "MetricsTokenError";
  readonly code = "METRICS_TOKEN";
  readonly nextStep =
    "Put a token into a file of its own, as with `openssl rand -hex 24`, and name it by --metrics-token.";
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

export class MetricsAddressError extends WasmguardError {
  readonly name = "MetricsAddressError";
  readonly code = "METRICS_ADDRESS";
  readonly nextStep = "Use a free loopback port (127.0.0.1:9586 or [::1]:9586) or the path of a unix socket to be.";
  constructor(address: string, cause?: unknown) {
    super(`cannot serve metrics at ${JSON.stringify(address)}`, { cause });
  }
}
