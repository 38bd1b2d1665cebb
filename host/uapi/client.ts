/**
 * The client side of the UAPI: one request over a tunnel's unix socket, one answer.
 * Answers and requests may hold keys: they are bytes, and whoever has them last wipes them.
 */
import { opendirSync, readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import { joinAndWipe } from "../keys/join-and-wipe.ts";
import { secretBytes } from "../keys/text.ts";
import { tunnelsHavePipes } from "../platform.ts";
import { PIPES, SOCKET_SUFFIX, socketFolder, socketPath, TUNNEL_PIPES } from "./socket-path.ts";
import { strangerAt } from "./whose-socket.ts";

/** Without a byte from the other side for this long, the daemon is taken for hung. */
const SILENCE_TIMEOUT_MS = 30_000;
/** How long to go on trying when so many clients wait that there is no room for one more (EAGAIN). */
const CROWD_TIMEOUT_MS = 10_000;
const CROWD_PAUSE_MS = 50;
/** Far above 130,560 allowed IPs of the longest form. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const READ_BYTES = 65_536;
const LF = 10;
/** How a request begins that may tell keys. */
const SET = new TextEncoder().encode("set=");
const STOP = new TextEncoder().encode("stop=1\n\n");

/** Whoever answers at a tunnel's socket cannot be asked, or refuses. */
export class UapiClientError extends Error {
  /** As the system calls it: ENOENT, ECONNREFUSED, EACCES, EPROTO, ETIMEDOUT… */
  readonly code: string;
  readonly nextStep: string;

  constructor(code: string, message: string, nextStep: string) {
    super(message);
    this.name = "UapiClientError";
    this.code = code;
    this.nextStep = nextStep;
  }
}

function connectionError(interfaceName: string, cause: NodeJS.ErrnoException): UapiClientError {
  const code = cause.code ?? "EIO";
  const [reason, nextStep] =
    code === "ENOENT" || code === "ECONNREFUSED"
      ? ["No such device", `Start it with: wasmguard ${interfaceName}`]
      : code === "EACCES" || code === "EPERM"
        ? ["Permission denied", tunnelsHavePipes() ? "Run this as an administrator" : "Run this as root"]
        : code === "EAGAIN"
          ? ["too many clients wait for it", "Try again later; `ss -xp` shows who they are"]
          : [`${code} at ${socketPath(interfaceName)}`, `Restart the tunnel ${interfaceName}`];
  return new UapiClientError(code, `Unable to access interface ${interfaceName}: ${reason}`, nextStep);
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

/** The answer is complete: it ends in an empty line. */
function endsEmpty(last: Uint8Array, before: Uint8Array | undefined): boolean {
  if (last[last.length - 1] !== LF) return false;
  const previous = last.length > 1 ? last[last.length - 2] : before?.[before.length - 1];
  return previous === LF;
}

function exchange(interfaceName: string, request: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // Node would read into a buffer of 64 KiB, copy what came and free the rest as it is, with keys.
    const onread = {
      buffer: secretBytes(READ_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => {
        take(buffer.subarray(0, length));
        return true;
      },
    };
    const socket = connect({ path: socketPath(interfaceName), onread });
    const pieces: Uint8Array[] = [];
    let total = 0;
    const finish = (error?: Error): void => {
      socket.destroy();
      const answer = joinAndWipe(pieces);
      pieces.length = 0;
      if (error) {
        answer.fill(0);
        reject(error);
      } else resolve(answer);
    };
    socket.setTimeout(SILENCE_TIMEOUT_MS, () => {
      finish(connectionError(interfaceName, Object.assign(new Error(), { code: "ETIMEDOUT" })));
    });
    socket.on("error", (cause) => finish(connectionError(interfaceName, cause)));
    // For runtimes that read into a buffer of their own all the same.
    socket.on("data", (piece: Uint8Array) => take(piece));
    const take = (read: Uint8Array): void => {
      const before = pieces.at(-1);
      const piece = secretBytes(read.length);
      piece.set(read);
      read.fill(0);
      pieces.push(piece);
      total += piece.length;
      if (total > ANSWER_BYTES_MAX)
        finish(connectionError(interfaceName, Object.assign(new Error(), { code: "EMSGSIZE" })));
      else if (endsEmpty(piece, before)) finish();
    };
    // The parser says what an answer without an end is worth.
    socket.on("end", () => finish());
    socket.on("connect", () => socket.write(request));
  });
}

/**
 * Send one request and read its answer.
 * @param request  `get=1\n\n`, or `set=1\n`…; the caller wipes it afterwards
 * @returns        the answer with its `errno=` line; the caller wipes it
 * @throws         UapiClientError if nobody answers, or a key would be told to somebody who is neither root nor this user
 */
export async function requestUapi(interfaceName: string, request: Uint8Array): Promise<Uint8Array> {
  if (SET.every((byte, i) => request[i] === byte)) requireOwn(interfaceName);
  for (const deadline = performance.now() + CROWD_TIMEOUT_MS; ; ) {
    try {
      return await exchange(interfaceName, request);
    } catch (error) {
      const crowded = error instanceof UapiClientError && error.code === "EAGAIN";
      if (!crowded || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, CROWD_PAUSE_MS));
    }
  }
}

function requireOwn(interfaceName: string): void {
  if (tunnelsHavePipes()) return;
  const stranger = strangerAt(socketPath(interfaceName));
  if (stranger === undefined) return;
  throw new UapiClientError(
    "EPERM",
    `Unable to access interface ${interfaceName}: ${stranger}`,
    "Run this as that user, or have the socket in a folder of its own: --socket-dir DIR, WASMGUARD_SOCKET_DIR",
  );
}

/** Of a socket that a dead process left, and of a pipe that is not there. */
const NOBODY: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "ENOENT"]);

/** Somebody listens at the tunnel's socket. A socket that a dead process left does not count. */
export function isTunnelUp(interfaceName: string): Promise<boolean> {
  const path = socketPath(interfaceName);
  if (!tunnelsHavePipes() && !isSocket(path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (listener: "somebody" | "nobody"): void => {
      socket.destroy();
      resolve(listener === "somebody");
    };
    socket.setTimeout(SILENCE_TIMEOUT_MS, () => finish("somebody"));
    socket.on("connect", () => finish("somebody"));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => finish(NOBODY.has(code) ? "nobody" : "somebody"));
  });
}

/** Ask a daemon to end, where it can be asked that. It does not answer: see whether it has gone. Never throws. */
export async function requestStop(interfaceName: string): Promise<void> {
  await exchange(interfaceName, STOP).catch(() => undefined);
}

/** Tunnels that are up, in the folder's own order (`wg show interfaces` has the same). */
export async function listTunnels(): Promise<string[]> {
  if (tunnelsHavePipes()) return listPipes();
  const names: string[] = [];
  let folder: ReturnType<typeof opendirSync>;
  try {
    folder = opendirSync(socketFolder());
  } catch {
    return names;
  }
  for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
    const name = entry.name.slice(0, -SOCKET_SUFFIX.length);
    if (entry.name.endsWith(SOCKET_SUFFIX) && name !== "" && (await isTunnelUp(name))) names.push(name);
  }
  folder.closeSync();
  return names;
}

/** A pipe goes with its process. */
function listPipes(): string[] {
  try {
    return readdirSync(PIPES)
      .filter((name) => name.startsWith(TUNNEL_PIPES))
      .map((name) => name.slice(TUNNEL_PIPES.length));
  } catch {
    return [];
  }
}
