/**
 * What a client says before its connection is made: methods, user and password, the request (RFC 1928 §3, §4; RFC 1929).
 * Every message tells its length, at most 513 bytes, so nothing is read ahead and nothing can grow.
 */
import type { Duplex } from "node:stream";
import type { Login } from "../login.ts";
import { readExactly } from "../read-exactly.ts";
import type { Target } from "../way.ts";
import { hostFrom, IPV4, IPV6, NAME } from "./address.ts";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;
const LOGIN_VERSION = 1;
const LOGIN_OK = 0;
const LOGIN_FAILED = 1;

/** RFC 1928 §6. */
export const REPLY = {
  succeeded: 0,
  general: 1,
  denied: 2,
  netUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandUnknown: 7,
  addressTypeUnknown: 8,
} as const;

const COMMANDS: Record<number, "connect" | "associate" | undefined> = { 1: "connect", 3: "associate" };

export interface Request {
  readonly command: "connect" | "associate";
  /** For "associate": where the client will send from, which most leave open with port 0. */
  readonly target: Target;
}

/** The client spoke something else, or may not go on. `reply` is for it, if there is one. */
export class NegotiationError extends Error {
  override readonly name = "NegotiationError";
  readonly reply: number | undefined;
  constructor(message: string, reply?: number) {
    super(message);
    this.reply = reply;
  }
}

/** Agree on a method, and check who it is. @throws NegotiationError */
async function authenticate(stream: Duplex, login: Login | undefined, client: () => string): Promise<void> {
  const [version, count] = (await readExactly(stream, 2)) as Uint8Array & [number, number];
  if (version !== VERSION) throw new NegotiationError(`not SOCKS5: version ${version}`);
  if (count === 0) throw new NegotiationError("no authentication method offered");
  const methods = await readExactly(stream, count);
  const method = login === undefined ? NO_AUTHENTICATION : USER_PASSWORD;
  if (!methods.includes(method)) {
    stream.write(Uint8Array.of(VERSION, NONE_ACCEPTABLE));
    throw new NegotiationError(login === undefined ? "the client insists on a login" : "the client offers no login");
  }
  stream.write(Uint8Array.of(VERSION, method));
  if (login === undefined) return;
  const [loginVersion, userLength] = (await readExactly(stream, 2)) as Uint8Array & [number, number];
  if (loginVersion !== LOGIN_VERSION) throw new NegotiationError("a login of unknown version");
  const user = userLength === 0 ? new Uint8Array() : await readExactly(stream, userLength);
  const [passwordLength] = (await readExactly(stream, 1)) as Uint8Array & [number];
  const password = passwordLength === 0 ? new Uint8Array() : await readExactly(stream, passwordLength);
  const verdict = login.check(client, user, password);
  stream.write(Uint8Array.of(LOGIN_VERSION, verdict === "right" ? LOGIN_OK : LOGIN_FAILED));
  if (verdict === "wrong") throw new NegotiationError("wrong user or password");
  if (verdict !== "right") throw new NegotiationError("too many wrong passwords: not heard for a while");
}

async function readRequest(stream: Duplex): Promise<Request> {
  const head = await readExactly(stream, 4);
  const [version, commandNumber, , type] = head as Uint8Array & [number, number, number, number];
  if (version !== VERSION) throw new NegotiationError(`a request of version ${version}`);
  const lengths: Record<number, number | undefined> = { [IPV4]: 4, [IPV6]: 16 };
  const length = type === NAME ? (await readExactly(stream, 1))[0]! : lengths[type];
  if (length === undefined || length === 0) {
    throw new NegotiationError(`address type ${type} is unknown`, REPLY.addressTypeUnknown);
  }
  const host = hostFrom(type, await readExactly(stream, length));
  const port = Buffer.from(await readExactly(stream, 2)).readUInt16BE();
  const command = COMMANDS[commandNumber];
  if (command === undefined) throw new NegotiationError(`command ${commandNumber} is unknown`, REPLY.commandUnknown);
  if (host === undefined) throw new NegotiationError("the name of no host", REPLY.hostUnreachable);
  if (command === "connect" && port === 0) throw new NegotiationError("port 0", REPLY.general);
  return { command, target: { host, port } };
}

/**
 * @param login what the client must give; undefined: nothing
 * @param client who it is, as `clientOf` has it
 * @throws NegotiationError, StreamEndedError
 */
export async function negotiate(stream: Duplex, login: Login | undefined, client: () => string): Promise<Request> {
  await authenticate(stream, login, client);
  return readRequest(stream);
}
