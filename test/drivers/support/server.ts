/** A server program of Debian's packages, in a directory of its own, as a user without rights, for one file of tests. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Nobody: servers of databases refuse to be root's. */
const UNPRIVILEGED = 65534;
const START_MS = 60_000;
const STOP_MS = 10_000;
const LOOK_AGAIN_MS = 50;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** What the program takes itself for, where that is not its file's name. */
  readonly argv0?: string;
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
}

const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};

export function makeDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `wasmguard-${name}-`));
  if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid);
  return directory;
}

/** A program that prepares the directory, and its standard input. @throws when it fails */
export function prepare(directory: string, { command, args }: Program, input = ""): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...identity,
    cwd: directory,
    input,
    encoding: "utf8",
    timeout: START_MS,
  });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${error?.message ?? ""}${stdout}${stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** @returns once it accepts connections; `stop` removes the directory, too. @throws with what it said */
export async function startServer(directory: string, program: (port: number) => Program): Promise<RunningServer> {
  const port = await freePort();
  const { command, args, argv0 } = program(port);
  const child = spawn(command, args, { ...identity, argv0, cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  child.on("error", (error) => {
    output += error.message;
  });
  const ended = once(child, "close").catch(() => {});
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(force);
    rmSync(directory, { recursive: true, force: true });
  };
  const until = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.pid === undefined || performance.now() > until) {
      await stop();
      throw new Error(`${command} does not listen: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return { port, stop };
}
