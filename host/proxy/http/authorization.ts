/** Basic authentication at a proxy (RFC 7617, RFC 9110 §11.7). */
import { type ClientSocket, clientOf, type UsersOf } from "../client.ts";
import type { Login, Verdict } from "../login.ts";

/** The Proxy-Authenticate field. */
export const CHALLENGE = 'Basic realm="wasmguard", charset="UTF-8"';

/** What is said to a client that may not try again yet. */
export const TOO_MANY_TRIES = "Too many wrong passwords came from you. Wait a minute.";

const COLON = 58;

/**
 * @param login undefined: everybody may
 * @param field the Proxy-Authorization field
 */
export function authorize(
  login: Login | undefined,
  field: string | undefined,
  { socket, users }: { socket: ClientSocket; users: UsersOf | undefined },
): Verdict {
  if (login === undefined) return "right";
  const match = /^basic +([a-z\d+/]+=*)$/i.exec(field ?? "");
  if (match === null) return "wrong";
  const bytes = Buffer.from(match[1]!, "base64");
  const colon = bytes.indexOf(COLON);
  if (colon < 0) return "wrong";
  return login.check(() => clientOf(socket, users), bytes.subarray(0, colon), bytes.subarray(colon + 1));
}
