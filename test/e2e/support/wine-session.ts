/** Programs in Node of Windows, under Wine, for a test outside of it: they share the network, and one session's pipes. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const RUN = `${ROOT}scripts/run-in-wine.sh`;
const SESSION = `${ROOT}test/e2e/wintun/session.mjs`;
const WINE = "/opt/wasmguard-wine/session";
const LIMIT_MS = 60_000;
const PIPES = "\\\\.\\pipe\\ProtectedPrefix\\Administrators\\WireGuard\\";
/** As GenerateConsoleCtrlEvent numbers them. */
const KEYS = { "Ctrl-C": 0, "Ctrl-Break": 1 } as const;

/** @returns why there is no Wine; undefined when there is */
export function missingWine(): string | undefined {
  return existsSync(WINE) && existsSync(RUN) ? undefined : "Wine is not installed (scripts/install-wine.sh)";
}

/** A path of this machine as Windows sees it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

type Event = { readonly id: number; readonly event: string; readonly text?: string; readonly code?: number | string };

export class WineProgram {
  readonly id: number;
  output = "";
  /** Undefined while it runs. */
  code: number | string | undefined;
  readonly #changed: (() => void)[] = [];

  constructor(id: number) {
    this.id = id;
  }

  take({ event, text = "", code }: Event): void {
    if (event === "exit") this.code = code;
    else this.output += text;
    for (const changed of this.#changed.splice(0)) changed();
  }

  /** Until it has written something, or has ended. @throws when neither happens in time */
  async writes(expected: RegExp): Promise<void> {
    await this.#until(() => expected.test(this.output) || this.code !== undefined, `${expected}`);
    if (!expected.test(this.output)) throw new Error(`ended (${this.code}) without ${expected}:\n${this.output}`);
  }

  /** @returns its exit code */
  async ends(): Promise<number | string | undefined> {
    await this.#until(() => this.code !== undefined, "its end");
    return this.code;
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(LIMIT_MS);
    while (!isSo()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed.push(resolve);
      deadline.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      if (deadline.aborted && !isSo()) throw new Error(`no ${what} within ${LIMIT_MS} ms:\n${this.output}`);
    }
  }
}

export class WineSession {
  readonly #wine: ChildProcess;
  readonly #socket: Socket;
  readonly #takers = new Map<number, (event: Event) => void>();
  /** What programs run in that are started from now on. */
  runtime: "node" | "bun" | "deno" = "node";
  /** The command, as a checkout has it. */
  script = windowsPath(`${ROOT}bin/wasmguard.js`);
  /** What Wine tells of itself, where it was asked to. */
  diagnostics = "";
  #next = 0;

  private constructor(wine: ChildProcess, socket: Socket) {
    this.#wine = wine;
    this.#socket = socket;
    wine.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.diagnostics += text;
    });
    createInterface({ input: socket }).on("line", (line) => {
      const event: Event = JSON.parse(line);
      this.#takers.get(event.id)?.(event);
    });
  }

  /** @param directories of this machine that programs see besides the project */
  static open(...directories: string[]): Promise<WineSession> {
    return WineSession.#open(directories, {}, "inherit");
  }

  /** With what Wine's own parts tell. @param channels as WINEDEBUG has them */
  static openTelling(channels: string, ...directories: string[]): Promise<WineSession> {
    return WineSession.#open(directories, { WINEDEBUG: channels }, "pipe");
  }

  static async #open(
    directories: readonly string[],
    env: Readonly<Record<string, string>>,
    stderr: "inherit" | "pipe",
  ): Promise<WineSession> {
    // In a sandbox it is down at first.
    execFileSync("ip", ["link", "set", "lo", "up"]);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const wine = spawn(RUN, ["node", windowsPath(SESSION), `${port}`], {
      stdio: ["ignore", "inherit", stderr],
      env: { ...process.env, ...env, WASMGUARD_WINE_DIRECTORIES: directories.join(":") },
    });
    try {
      const [socket] = (await once(server, "connection", { signal: AbortSignal.timeout(LIMIT_MS) })) as [Socket];
      return new WineSession(wine, socket);
    } catch (cause) {
      wine.kill("SIGTERM");
      throw new Error("no session in Wine", { cause });
    } finally {
      server.close();
    }
  }

  #send(request: object, take: (event: Event) => void): number {
    const id = this.#next++;
    this.#takers.set(id, take);
    this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    return id;
  }

  /** Start the command. @param cwd as Windows sees it */
  wasmguard(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): WineProgram {
    return this.start(this.runtime, [this.script, ...args], env, cwd);
  }

  /** Start another program, or a runtime by its name. @param name, cwd as Windows sees them */
  start(name: string, args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string): WineProgram {
    const program = new WineProgram(this.#next);
    this.#send({ do: "start", program: name, args, env, cwd }, (event) => program.take(event));
    return program;
  }

  /** At its console. */
  interrupt(program: WineProgram, key: keyof typeof KEYS): void {
    this.#send({ do: "interrupt", of: program.id, key: KEYS[key] }, () => {});
  }

  /** End a program as the task manager does. */
  async kill(program: WineProgram): Promise<void> {
    this.#send({ do: "kill", of: program.id }, () => {});
    await program.ends();
  }

  /** Ask a tunnel's control pipe. @returns its answer, or the code of the error */
  ask(interfaceName: string, text: string): Promise<string> {
    return this.#answer({ do: "ask", path: `${PIPES}${interfaceName}`, text });
  }

  /** As Wine has it, for which the project is on a drive of its own. */
  realPath(path: string): Promise<string> {
    return this.#answer({ do: "real", path });
  }

  #answer(request: { readonly do: string; readonly path: string; readonly text?: string }): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const late = setTimeout(() => reject(new Error(`no answer at ${request.path}`)), LIMIT_MS);
    this.#send(request, ({ event, text: answer = "" }) => {
      if (event !== "answer") return;
      clearTimeout(late);
      resolve(answer);
    });
    return promise;
  }

  /** Have programs that start from now on find these DLLs in the place of the system's own. @param folder as Windows sees it */
  replaceLibraries(folder: string, ...names: string[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error(`not replaced: ${names}`)), LIMIT_MS);
    this.#send({ do: "replace", folder, names }, () => {
      clearTimeout(late);
      resolve();
    });
    return promise;
  }

  /** With everything that runs in it. */
  async close(): Promise<void> {
    this.#socket.destroy();
    if (this.#wine.exitCode !== null) return;
    this.#wine.kill("SIGTERM");
    await once(this.#wine, "exit");
  }
}
