/**
 * What a program that embeds a tunnel can do wrong, or run into. Messages never quote what was given: a value in the
 * wrong place may be a key.
 */
import { WasmguardError } from "../errors.ts";

const SECRET_STEP = "Give 32 bytes as Uint8Array, not all zero; strings are not taken, for they cannot be wiped.";
const KEY_STEPS = {
  privateKey: SECRET_STEP,
  presharedKey: SECRET_STEP,
  publicKey: "Give 32 bytes as Uint8Array, or the 44 characters that `wg pubkey` prints.",
  text: "Give the 44 characters of a key in base64, as bytes and without a line feed.",
  bytes: "Give 32 bytes as Uint8Array.",
} as const;

export class KeyError extends WasmguardError {
  readonly name = "KeyError";
  readonly code = "KEY";
  readonly nextStep: string;
  constructor(name: keyof typeof KEY_STEPS) {
    super(`${name} is not a key`);
    this.nextStep = KEY_STEPS[name];
  }
}

export class EndpointError extends WasmguardError {
  readonly name = "EndpointError";
  readonly code = "ENDPOINT";
  readonly nextStep =
    "Give a numeric address with its port, as in 192.0.2.1:51820 or [2001:db8::1]:51820; names need the option `lookup`.";
  constructor() {
    super("endpoint is not an IP address and a port from 1 to 65535");
  }
}

/** The name in an endpoint has no address now. It is looked up again, after ever longer pauses. */
export class LookupError extends WasmguardError {
  readonly name = "LookupError";
  readonly code = "LOOKUP";
  readonly nextStep = "Check the name and the DNS servers; the device goes on trying.";
  readonly host: string;
  constructor(host: string, cause: unknown) {
    super(`cannot look up ${host}`, { cause });
    this.host = host;
  }
}

export class AllowedIpError extends WasmguardError {
  readonly name = "AllowedIpError";
  readonly code = "ALLOWED_IP";
  readonly nextStep = "Give addresses or prefixes, as in 10.0.0.2, 10.1.0.0/16 or fd00::/8.";
  /** @param index of the first bad one */
  constructor(index: number) {
    super(`allowedIps[${index}] is not an IP address or prefix`);
  }
}

/** An option or an argument is not what it can be. */
export class OptionError extends WasmguardError {
  readonly name = "OptionError";
  readonly code = "OPTION";
  readonly nextStep: string;
  /** @param option as the program names it  @param expected as in "a whole number" */
  constructor(option: string, expected: string, cause?: unknown) {
    super(`${option} is not ${expected}`, cause === undefined ? undefined : { cause });
    this.nextStep = `Set ${option} to ${expected}.`;
  }
}

/** Something is set that does not exist: it would do nothing, and nobody would notice. */
export class UnknownOptionError extends WasmguardError {
  readonly name = "UnknownOptionError";
  readonly code = "OPTION";
  readonly nextStep: string;
  constructor(message: string, nextStep: string) {
    super(message);
    this.nextStep = nextStep;
  }
}

/** `new` was written where `create` makes one: declarations forbid it, JavaScript does not. */
export class ConstructorError extends WasmguardError {
  readonly name = "ConstructorError";
  readonly code = "OPTION";
  readonly nextStep: string;
  constructor(made: string) {
    super(`a ${made} is not made with new`);
    this.nextStep = `Call await ${made}.create(options).`;
  }
}

export class PeerExistsError extends WasmguardError {
  readonly name = "PeerExistsError";
  readonly code = "PEER_EXISTS";
  readonly nextStep = "Call updatePeer, or remove the peer first.";
  constructor() {
    super("the device has a peer with this public key");
  }
}

export class PeerUnknownError extends WasmguardError {
  readonly name = "PeerUnknownError";
  readonly code = "PEER_UNKNOWN";
  readonly nextStep = "Call addPeer first; statistics() lists the peers there are.";
  constructor() {
    super("the device has no peer with this public key");
  }
}

export class OwnKeyError extends WasmguardError {
  readonly name = "OwnKeyError";
  readonly code = "OWN_KEY";
  readonly nextStep = "Give the public key of the other end.";
  constructor() {
    super("the public key of the peer is that of the device itself");
  }
}

/** No UDP socket could be opened. A port that is taken is a PortInUseError. */
export class BindError extends WasmguardError {
  readonly name = "BindError";
  readonly code = "BIND";
  readonly nextStep = "See the cause; ports under 1024 need privileges, and the address must be one of this machine.";
  /** @param port undefined when it is not about opening one */
  constructor(port: number | undefined, cause: unknown, message = "the Bind failed") {
    super(port === undefined ? message : `cannot bind UDP port ${port}`, { cause });
  }
}

/** A Bind or a Tun that another device has open. */
export class InUseError extends WasmguardError {
  readonly name = "InUseError";
  readonly code = "IN_USE";
  readonly nextStep: string;
  constructor(part: "Bind" | "Tun") {
    super(`the ${part} is another device's`);
    this.nextStep = `Make a ${part} for each device.`;
  }
}

/** The Tun object failed or ended. */
export class TunError extends WasmguardError {
  readonly name = "TunError";
  readonly code = "TUN";
  readonly nextStep = "See the cause; close the device, and make a new one when the interface is back.";
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
