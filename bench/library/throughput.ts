/** Two processes, a tunnel over loopback between them, or only sockets, and how much goes through. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { RuntimeName } from "../runtimes.ts";
import { libraryCommand } from "./command.ts";
import { type EndOptions, type EndResult, PACKET_BYTES } from "./options.ts";

const END = fileURLToPath(new URL("end.ts", import.meta.url));

export interface Throughput {
  readonly megabitsPerSecond: number;
  /** Of the end that took more: what one core is good for. */
  readonly megabitsPerCpuSecond: number;
  /** Of CPU time that a packet takes. */
  readonly microseconds: { readonly sender: number; readonly receiver: number };
  /** Part of the packets. */
  readonly lost: number;
}

interface End {
  readonly child: ChildProcess;
  next(): Promise<string>;
}

function startEnd(runtime: RuntimeName, options: EndOptions): End {
  const [program, ...args] = libraryCommand(runtime, options.contestant);
  const child = spawn(program!, [...args, END, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async next() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`an end in ${runtime} stopped`);
      return value as string;
    },
  };
}

const microseconds = ({ cpuSeconds, packets }: EndResult) => (cpuSeconds * 1e6) / packets;

export async function throughput(runtime: RuntimeName, options: Omit<EndOptions, "role">): Promise<Throughput> {
  const receiver = startEnd(runtime, { ...options, role: "receiver" });
  const sender = startEnd(runtime, { ...options, role: "sender" });
  try {
    const [mine, theirs] = await Promise.all([receiver.next(), sender.next()]);
    // An initiation that comes before its sender is known would be sent again 5 s later.
    receiver.child.stdin!.write(`${theirs}\n`);
    await receiver.next();
    sender.child.stdin!.write(`${mine}\n`);
    await sender.next();
    const [received, sent] = (await Promise.all([receiver.next(), sender.next()])).map((line) => JSON.parse(line)) as [
      EndResult,
      EndResult,
    ];
    const megabits = (packets: number) => (packets * PACKET_BYTES * 8) / 1e6;
    return {
      megabitsPerSecond: megabits(received.packets) / received.seconds,
      megabitsPerCpuSecond: Math.min(
        megabits(received.packets) / received.cpuSeconds,
        megabits(sent.packets) / sent.cpuSeconds,
      ),
      microseconds: { sender: microseconds(sent), receiver: microseconds(received) },
      lost: sent.lost / Math.max(1, sent.packets + sent.lost),
    };
  } finally {
    for (const { child } of [receiver, sender]) {
      child.stdin!.on("error", () => {}); // it may have ended
      child.stdin!.end("\n");
      if (child.exitCode === null) await Promise.race([once(child, "exit"), new Promise((r) => setTimeout(r, 2000))]);
      child.kill("SIGKILL");
    }
  }
}
