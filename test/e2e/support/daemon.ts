/**
 * One running implementation: started as a user starts it (`COMMAND NAME`, which returns once TUN device and control
 * socket exist), found again by the socket it listens on.
 */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, run, waitFor } from "./exec.ts";
import type { Implementation } from "./implementations.ts";
import type { Namespace, Topology } from "./topology.ts";

const START_LIMIT_MS = 20_000;

export class Daemon {
  readonly implementation: Implementation;
  readonly interface: string;
  /** The namespace of its process and UDP sockets; the interface may have moved elsewhere. */
  readonly namespace: Namespace;
  readonly logPath: string;
  private processes: readonly number[] = [];

  private constructor(implementation: Implementation, name: string, namespace: Namespace, logPath: string) {
    this.implementation = implementation;
    this.interface = name;
    this.namespace = namespace;
    this.logPath = logPath;
  }

  /** @throws with the end of its log when it doesn't start */
  static async start(
    topology: Topology,
    namespace: Namespace,
    implementation: Implementation,
    name: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Daemon> {
    const daemon = new Daemon(implementation, name, namespace, join(topology.directory, `${name}.log`));
    const log = openSync(daemon.logPath, "a");
    try {
      await namespace.run([...implementation.command, name], {
        outputFd: log,
        env: { LOG_LEVEL: "error", ...env },
        timeoutMs: START_LIMIT_MS,
      });
      daemon.processes = await daemon.listeners();
      // wireguard-go returns before its daemon has set up the interface; an answer means that it has.
      await daemon.wg("show", name);
      if (daemon.processes.length === 0) throw new Error(`${name}: returned, but nothing listens on ${daemon.socket}`);
    } catch (error) {
      throw new Error(`${implementation.name} did not start: ${error}\n${daemon.log()}`, { cause: error });
    } finally {
      closeSync(log);
    }
    return daemon;
  }

  get socket(): string {
    return `/run/wireguard/${this.interface}.sock`;
  }

  /** What it wrote, for the message of a failing test. */
  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8").slice(-4000) : "";
  }

  wg(...args: string[]): Promise<string> {
    return run(["wg", ...args], { timeoutMs: 30_000 });
  }

  /** Processes that held the control socket when it started. */
  pids(): readonly number[] {
    return this.processes;
  }

  alive(): boolean {
    return this.processes.some(isAlive);
  }

  signal(signal: NodeJS.Signals): void {
    for (const pid of this.processes) if (isAlive(pid)) process.kill(pid, signal);
  }

  /** True when it has ended within the time. */
  ends(timeoutMs: number): Promise<boolean> {
    return waitFor(() => !this.alive(), timeoutMs);
  }

  /** True when its namespace has no such interface (any more). */
  async interfaceIsGone(): Promise<boolean> {
    return (await attempt(["ip", "-n", this.namespace.name, "link", "show", this.interface])).code !== 0;
  }

  /** As a crash would: no farewell, and the socket file stays. */
  async crash(): Promise<void> {
    this.signal("SIGKILL");
    const gone = (await this.ends(15_000)) && (await waitFor(() => this.interfaceIsGone(), 15_000));
    if (!gone) throw new Error(`${this.interface}: cannot be killed`);
  }

  private async listeners(): Promise<number[]> {
    const sockets = await this.namespace.run(["ss", "-xlpH"]);
    // As the program wrote it: boringtun's path has two slashes.
    const path = new RegExp(`/wireguard/+${this.interface}\\.sock `);
    const line = sockets.split("\n").find((text) => path.test(text)) ?? "";
    return [...new Set([...line.matchAll(/pid=(\d+)/g)].map((match) => Number(match[1])))];
  }
}

/** True for a process that exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}
