/** The flood of flood.ts, started in a namespace and ended with its scope. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ended, killGroup, sleep } from "./exec.ts";
import type { Namespace } from "./topology.ts";

const PROGRAM = fileURLToPath(new URL("./flood.ts", import.meta.url));

export interface FloodTarget {
  readonly address: string;
  readonly port: number;
  /** Base64. */
  readonly publicKey: string;
}

export class Flood implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly namespace: Namespace;
  private readonly milliseconds: number;
  private output = "";

  constructor(from: Namespace, target: FloodTarget, perSecond: number, milliseconds: number) {
    const { address, port, publicKey } = target;
    const argv = [process.execPath, PROGRAM, address, `${port}`, publicKey, `${perSecond}`, `${milliseconds}`];
    this.namespace = from;
    this.milliseconds = milliseconds;
    this.child = from.start(argv, { env: { NODE_OPTIONS: undefined } });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
  }

  /** True once it has been under way for a moment. */
  async started(): Promise<boolean> {
    for (let attempt = 0; attempt < 50; attempt++) {
      if ((await this.namespace.run(["ss", "-Hnu"])).trim() !== "") {
        await sleep(700);
        return true;
      }
      await sleep(100);
    }
    return false;
  }

  /** Wait for its end. @returns how many messages it sent */
  async sent(): Promise<number> {
    await ended(this.child, this.milliseconds + 5000);
    await sleep(50);
    return Number(this.output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.child);
  }
}
