/**
 * What a client of metrics over TCP must show: a loopback port is open to every user of the machine, and to web pages through
 * their browsers. Either the administrator's own file, or one that is made at each start beside the tunnel's socket, for root
 * alone. (A unix socket needs none: its mode keeps others out.)
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { MetricsTokenError } from "../errors.ts";
import { socketPath } from "../uapi/socket-path.ts";

const TOKEN_BYTES = 24;
const TOKEN_CHARS_MIN = 16;
/** RFC 6750: what may follow "Bearer". */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

export interface MetricsToken {
  /** True for the value of an Authorization header that shows the token. Takes the same time for all that are wrong. */
  admits(authorization: string | undefined): boolean;
  /** The file that was made, and is to go with the daemon; undefined for one that was there. */
  readonly madeAt: string | undefined;
  /** Remove what was made, if that is allowed still. */
  close(): void;
}

/** @param file the administrator's; undefined: make one for this tunnel @throws MetricsTokenError */
export function metricsToken(interfaceName: string, file: string | undefined): MetricsToken {
  if (file !== undefined) return admission(readToken(file), undefined);
  const path = `${dirname(socketPath(interfaceName))}/${interfaceName}.metrics-token`;
  return admission(makeToken(path), path);
}

/** @throws MetricsTokenError */
export function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new MetricsTokenError(`cannot read the token in ${file}`, cause);
  }
  if (text.length < TOKEN_CHARS_MIN || !TOKEN.test(text)) {
    throw new MetricsTokenError(`${file} holds no token of at least ${TOKEN_CHARS_MIN} letters, digits or ._~+/-=`);
  }
  return text;
}

function makeToken(path: string): string {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  try {
    rmSync(path, { force: true });
    const descriptor = openSync(path, "wx", 0o600);
    writeSync(descriptor, `${token}\n`);
    closeSync(descriptor);
  } catch (cause) {
    throw new MetricsTokenError(`cannot write the token to ${path}`, cause);
  }
  return token;
}

function admission(token: string, madeAt: string | undefined): MetricsToken {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digest(token);
  return {
    madeAt,
    admits: (authorization = "") => {
      const shown = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
      return timingSafeEqual(digest(shown), expected);
    },
    close: () => {
      if (madeAt === undefined) return;
      try {
        rmSync(madeAt, { force: true });
      } catch {
        // A confined daemon has it removed (confine/socket-remover.ts).
      }
    },
  };
}
