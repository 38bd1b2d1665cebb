/** What can keep a daemon from starting on Windows, as typed errors (host/errors.ts). */
import { WasmguardError } from "../../errors.ts";
import { errorName } from "./constants.ts";

/** A function of Windows failed. `code` is the name of its error. */
export class WindowsError extends WasmguardError {
  readonly name = "WindowsError";
  readonly code: string;
  readonly nextStep: string;
  /** As GetLastError has it. */
  readonly number: number;

  /** @param subject what the call was about: a path, a name */
  constructor(call: string, number: number, subject = "") {
    const name = errorName(number);
    super(`${call}${subject === "" ? "" : ` ${subject}`}: ${name}`);
    this.code = name;
    this.number = number;
    this.nextStep = `See what \`net helpmsg ${number}\` and LOG_LEVEL=verbose say of it.`;
  }
}

/** The daemon on Windows calls the system by the runtime's own FFI. */
export class WindowsRuntimeError extends WasmguardError {
  readonly name = "WindowsRuntimeError";
  readonly code = "FFI_UNAVAILABLE";
  readonly nextStep =
    "On Windows start it with Node >= 26 (with --allow-ffi under --permission), Bun, or Deno with --allow-ffi.";
  constructor(runtime: string, cause?: unknown) {
    super(`${runtime} cannot call the DLLs of Windows`, { cause });
  }
}

/** The DLL with the driver for network interfaces, which Windows does not bring. */
export class WintunMissingError extends WasmguardError {
  readonly name = "WintunMissingError";
  readonly code = "WINTUN_MISSING";
  readonly nextStep = "Get it from https://www.wintun.net and put it there, or say where it is: --wintun FILE.";
  constructor(paths: readonly string[]) {
    super(`there is no wintun.dll: not at ${paths.join(", nor at ")}`);
  }
}

export class WintunUnusableError extends WasmguardError {
  readonly name = "WintunUnusableError";
  readonly code = "WINTUN_UNUSABLE";
  readonly nextStep =
    "Take the one for this processor (amd64, arm64) from https://www.wintun.net, version 0.14 or newer.";
  constructor(path: string, why: string, cause?: unknown) {
    super(`${path} ${why}`, { cause });
  }
}

/** Nobody vouches for the DLL, whose code would run with all rights. */
export class WintunSignatureError extends WasmguardError {
  readonly name = "WintunSignatureError";
  readonly code = "WINTUN_SIGNATURE";
  readonly nextStep: string;
  /** @param otherwise what could be done instead */
  constructor(path: string, fault: string, otherwise = "") {
    super(`${path} ${fault}`);
    this.nextStep = `Get it from https://www.wintun.net, where it is signed${otherwise}.`;
  }
}

export class AdministratorError extends WasmguardError {
  readonly name = "AdministratorError";
  readonly code = "NOT_ADMINISTRATOR";
  readonly nextStep = 'Start it from a terminal that was opened with "Run as administrator".';
  /** @param what could not be done */
  constructor(what: string, cause: unknown) {
    super(`Windows lets only administrators ${what}`, { cause });
  }
}

/** What is wrong with a service, or with what was asked of it. */
export class ServiceError extends WasmguardError {
  readonly name = "ServiceError";
  readonly code = "SERVICE";
  readonly nextStep: string;
  constructor(service: string, fault: string, nextStep: string, cause?: unknown) {
    super(`the service ${service} ${fault}`, { cause });
    this.nextStep = nextStep;
  }
}

/** A file that a service cannot be installed with, by where it lies. */
export class ServicePathError extends WasmguardError {
  readonly name = "ServicePathError";
  readonly code = "SERVICE_PATH";
  readonly nextStep: string;
  constructor(fault: string, nextStep: string, cause?: unknown) {
    super(fault, { cause });
    this.nextStep = nextStep;
  }
}

/** Others than administrators could have the system run what they like. */
export class WritableError extends WasmguardError {
  readonly name = "WritableError";
  readonly code = "WRITABLE_BY_OTHERS";
  readonly nextStep: string;
  /** @param sid whose it is, or whom its list lets in */
  constructor(path: string, sid: string, by: "owner" | "list") {
    const how = by === "owner" ? "belongs to" : "may be changed by";
    super(`${path} ${how} ${sid}, who could have the service do anything as the system`);
    const command = by === "owner" ? `icacls "${path}" /setowner *S-1-5-32-544` : withoutGrants(path, sid);
    this.nextStep = `Put it below C:\\Program Files, where only administrators write; or, if nobody else needs it: ${command}`;
  }
}

/** What takes all rights from one that a list names. Those of the folder above have to become its own before. */
export function withoutGrants(path: string, sid: string): string {
  return `icacls "${path}" /inheritance:d, then icacls "${path}" /remove:g *${sid}`;
}

/** An interface has the address, perhaps one that is not connected. */
export class AddressTakenError extends WasmguardError {
  readonly name = "AddressTakenError";
  readonly code = "ADDRESS_TAKEN";
  readonly nextStep = "Take it from the one that has it (`netsh interface ip show addresses`), or give another.";
  constructor(address: string) {
    super(`this machine has the address ${address} already`);
  }
}

export class DnsUnsettableError extends WasmguardError {
  readonly name = "DnsUnsettableError";
  readonly code = "DNS_UNSETTABLE";
  readonly nextStep = "Use Windows 10, version 2004, or newer; or leave DNS out, and set the servers by `netsh`.";
  constructor(cause: unknown) {
    super("this Windows has no call that sets the DNS servers of an interface", { cause });
  }
}

/** Wine, for one, can tell of interfaces but not change them. */
export class IpHelperError extends WasmguardError {
  readonly name = "IpHelperError";
  readonly code = "IP_HELPER_UNAVAILABLE";
  readonly nextStep = "Start the tunnel by its name, and set addresses and routes with the system's own programs.";
  constructor(cause: unknown) {
    super("this system's IP Helper lacks functions that set addresses and routes", { cause });
  }
}
