/**
 * The process that follows the network (follower.ts) for a tunnel in the background: `route -n monitor` tells it when there is news. It is this
 * program under a word that no interface can be called.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { runtime } from "../../../platform.ts";
import { CliError } from "../../command-errors.ts";
import { selfCommand } from "../../launch/command.ts";
import { daemonEnvironment } from "../../launch/environment.ts";
import { forbidDumps } from "../process.ts";
import { FOLLOW } from "../system.ts";
import { giveUp, look } from "./follower.ts";
import { preferSystemPrograms, SYSTEM_PROGRAMS } from "./programs.ts";

/** News comes in crowds. */
const CROWD_MS = 100;
/** What a network brings along, such as DNS servers of its own, may come after its routes. */
const LATECOMERS_MS = 2000;

/** @param name of the configuration @throws CliError */
export function startFollowing(name: string): Promise<void> {
  const { program, args } = selfCommand([FOLLOW, name]);
  const env = daemonEnvironment(process.env, runtime());
  const child = spawn(program, args, { detached: true, cwd: "/", stdio: "ignore", env });
  return new Promise((resolve, reject) => {
    child.on("spawn", () => {
      child.unref();
      resolve();
    });
    child.on("error", (cause) => {
      reject(new CliError("cannot start what follows the network", "Look for what limits processes", 1, { cause }));
    });
  });
}

/** Until the tunnel has gone, or a signal comes. @param args  the configuration's name. @returns the exit code */
export async function follow([name = ""]: readonly string[]): Promise<number> {
  await forbidDumps();
  preferSystemPrograms();
  await followNetwork(name);
  return 0;
}

/** What `route -n monitor` prints for a change; questions, and what was refused, come by the same way. */
export function isNews(line: string): boolean {
  return /^RTM_(?!GET\b)/.test(line) && !/\berrno [1-9]/.test(line);
}

/** As follow, with the programs of PATH. */
export async function followNetwork(name: string): Promise<void> {
  const monitor = spawn("route", ["-n", "monitor"], { stdio: ["ignore", "pipe", "ignore"] });
  const news = new News();
  let told = false;
  createInterface({ input: monitor.stdout }).on("line", (line) => {
    if (isNews(line)) news.come();
  });
  const end = (): void => {
    told = true;
    news.end();
  };
  monitor.on("error", end).on("close", end);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  // A look that fails is no reason to leave DNS servers behind: the next one may not.
  const lookAgain = (): Promise<"over" | "on"> => look(SYSTEM_PROGRAMS, name).catch(() => "on");
  try {
    // What happened between the end of `up` and now.
    while ((await lookAgain()) === "on" && (await news.next()) === "news");
    if (told) await giveUp(SYSTEM_PROGRAMS, name);
  } finally {
    news.end();
    monitor.kill();
  }
}

/** Something has happened since the last time that somebody asked, however often. */
class News {
  #waiting: (() => void) | undefined;
  #late: NodeJS.Timeout | undefined;
  #fresh = false;
  #ended = false;

  come(): void {
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.#tell(), LATECOMERS_MS);
    this.#tell();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#late);
    this.#waiting?.();
  }

  #tell(): void {
    this.#fresh = true;
    this.#waiting?.();
  }

  async next(): Promise<"news" | "end"> {
    while (!this.#fresh && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    if (!this.#ended) await new Promise((resolve) => setTimeout(resolve, CROWD_MS));
    this.#fresh = false;
    return this.#ended ? "end" : "news";
  }
}
