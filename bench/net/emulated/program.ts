/** A program of a test bed that is told lines and answers with lines. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Namespace } from "../../../test/e2e/support/topology.ts";

export class Program implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #problems = "";

  constructor(namespace: Namespace, argv: readonly string[]) {
    const [command, ...args] = namespace.command(argv) as [string, ...string[]];
    this.#child = spawn(command, args, { stdio: "pipe" });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#problems += text;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** No more lines come. */
  endInput(text: string): void {
    this.#child.stdin.end(text);
  }

  /** @throws Error with what it complained of, when it has ended */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`a program ended: ${this.#child.spawnargs.join(" ")}\n${this.#problems}`);
    return value;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
