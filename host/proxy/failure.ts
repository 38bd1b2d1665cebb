/** Why a connection could not be made, by the code of the error, for protocols that can say so. */
import { errorCode } from "../error-code.ts";

export type Failure =
  | "refused"
  | "host-unreachable"
  | "net-unreachable"
  | "timed-out"
  | "not-found"
  | "denied"
  | "general";

const BY_CODE: Record<string, Failure> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "refused",
  EHOSTUNREACH: "host-unreachable",
  EHOSTDOWN: "host-unreachable",
  ENETUNREACH: "net-unreachable",
  ENETDOWN: "net-unreachable",
  ETIMEDOUT: "timed-out",
  ETIMEOUT: "timed-out",
  ENOTFOUND: "not-found",
  ENODATA: "not-found",
  EACCES: "denied",
  EPERM: "denied",
};

export function codeOf(error: unknown): string {
  return errorCode(error) ?? "";
}

export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  return (Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined) ?? "general";
}
