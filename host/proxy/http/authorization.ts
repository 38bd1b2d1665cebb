/** Basic authentication at a proxy (RFC 7617, RFC 9110 §11.7). */
import type { Login } from "../login.ts";

/** The Proxy-Authenticate field. */
export const CHALLENGE = 'Basic realm="wasmguard", charset="UTF-8"';

const COLON = 58;

/** @param field the Proxy-Authorization field */
export function isAuthorized(login: Login | undefined, field: string | undefined): boolean {
  if (login === undefined) return true;
  const match = /^basic +([a-z\d+/]+=*)$/i.exec(field ?? "");
  if (match === null) return false;
  const bytes = Buffer.from(match[1]!, "base64");
  const colon = bytes.indexOf(COLON);
  return colon >= 0 && login.matches(bytes.subarray(0, colon), bytes.subarray(colon + 1));
}
