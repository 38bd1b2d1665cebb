/**
 * Traffic through a tunnel: ping and iperf3, with their results as numbers. No call takes much longer than it says.
 */
import type { ChildProcess } from "node:child_process";
import { ended, killGroup, type RunOptions, waitFor } from "./exec.ts";
import type { Namespace } from "./topology.ts";

export interface PingResult {
  readonly sent: number;
  readonly received: number;
}

export interface PingOptions {
  readonly count?: number;
  readonly intervalSeconds?: number;
  /** Time for each answer. */
  readonly waitSeconds?: number;
  /** Payload bytes. */
  readonly size?: number;
  readonly flood?: "flood";
  readonly source?: string;
}

/** Send `count` echo requests (1). @returns how many were answered */
export async function ping(from: Namespace, to: string, options: PingOptions = {}): Promise<PingResult> {
  const count = options.count ?? 1;
  const interval = options.intervalSeconds ?? 0.05;
  const wait = options.waitSeconds ?? 2;
  const argv = ["ping", "-n", "-q", "-c", `${count}`, "-W", `${wait}`];
  argv.push(...(options.flood ? ["-f"] : ["-i", `${interval}`]));
  if (options.size !== undefined) argv.push("-s", `${options.size}`);
  if (options.source !== undefined) argv.push("-I", options.source);
  const result = await from.attempt([...argv, to], { timeoutMs: (count * (interval + 0.2) + wait + 5) * 1000 });
  return parsePing(result.stdout + result.stderr);
}

/** Echo replies that came to a namespace so far, of both families (/proc/net/snmp, snmp6). */
async function echoReplies(at: Namespace): Promise<number> {
  const text = await at.run(["cat", "/proc/net/snmp", "/proc/net/snmp6"]);
  const [names = "", values = ""] = text.split("\n").filter((line) => line.startsWith("Icmp:"));
  const ipv4 = Number(values.split(" ")[names.split(" ").indexOf("InEchoReps")]);
  return ipv4 + Number(/^Icmp6InEchoReplies\s+(\d+)/m.exec(text)?.[1]);
}

/**
 * Ping as fast as answers come. They are counted where they arrive: a flood itself waits for its last ones no longer than twice the
 * longest round trip, which on a busy machine is not long enough.
 */
export async function floodPing(from: Namespace, to: string, count: number): Promise<PingResult> {
  const before = await echoReplies(from);
  const { sent } = await ping(from, to, { count, flood: "flood" });
  const came = async (): Promise<number> => (await echoReplies(from)) - before;
  await waitFor(async () => (await came()) >= sent, 5000);
  return { sent, received: await came() };
}

export interface PingTimes extends PingResult {
  /** Of the round trips, in milliseconds. */
  readonly median: number;
  readonly worstOfHundred: number;
}

/** Send `count` echo requests and time each answer. */
export async function timedPing(
  from: Namespace,
  to: string,
  count: number,
  intervalSeconds: number,
): Promise<PingTimes> {
  const argv = ["ping", "-n", "-c", `${count}`, "-i", `${intervalSeconds}`, "-W", "1", to];
  const { stdout } = await from.attempt(argv, { timeoutMs: count * intervalSeconds * 2000 + 10_000 });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1])).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { ...parsePing(stdout), median: at(0.5), worstOfHundred: at(0.99) };
}

/** True once an echo request is answered; several tries within the time. */
export async function reaches(from: Namespace, to: string, timeoutMs: number): Promise<boolean> {
  return waitFor(async () => (await ping(from, to, { waitSeconds: 0.5 })).received > 0, timeoutMs);
}

function parsePing(text: string): PingResult {
  const match = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(text);
  return { sent: Number(match?.[1] ?? 0), received: Number(match?.[2] ?? 0) };
}

/** A ping that goes on in the background, as traffic while something else happens. */
export class PingStream implements AsyncDisposable {
  private readonly child: ChildProcess;
  private output = "";

  constructor(from: Namespace, to: string, intervalSeconds = 0.05) {
    this.child = from.start(["ping", "-n", "-i", `${intervalSeconds}`, "-W", "1", to]);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
  }

  /** Answers so far. */
  received(): number {
    return (this.output.match(/bytes from/g) ?? []).length;
  }

  /** True once `count` more answers have come. */
  more(count: number, timeoutMs: number): Promise<boolean> {
    const goal = this.received() + count;
    return waitFor(() => this.received() >= goal, timeoutMs);
  }

  async stop(): Promise<PingResult> {
    if (this.child.pid !== undefined && this.child.exitCode === null) process.kill(this.child.pid, "SIGINT");
    await ended(this.child, 3000);
    await waitFor(() => this.output.includes("packets transmitted"), 500);
    return parsePing(this.output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.child);
  }
}

export interface IperfResult {
  readonly receivedBytes: number;
  readonly megabitsPerSecond: number;
  /** Datagrams lost on the way, in per cent, but for those that iperf3 was too slow to take; 0 for TCP. */
  readonly lostPercent: number;
}

export interface IperfOptions {
  readonly protocol: "tcp" | "udp";
  /** From the client to the server (forward), or back. */
  readonly direction?: "forward" | "reverse";
  readonly seconds?: number;
  /** UDP only. */
  readonly megabits?: number;
  readonly streams?: number;
}

/** Datagrams that the sockets of a namespace had no room for. */
async function overflows(namespace: Namespace): Promise<number> {
  const text = await namespace.run(["cat", "/proc/net/snmp", "/proc/net/snmp6"]);
  const [names = "", values = ""] = text.match(/^Udp: .*$/gm) ?? [];
  const ipv4 = values.split(" ")[names.split(" ").indexOf("RcvbufErrors")];
  return Number(ipv4) + Number(/^Udp6RcvbufErrors\s+(\d+)$/m.exec(text)?.[1]);
}

/** One iperf3 run. @throws with iperf3's own words when it fails */
export async function iperf(
  client: Namespace,
  server: Namespace,
  address: string,
  options: IperfOptions,
): Promise<IperfResult> {
  const seconds = options.seconds ?? 1;
  const limits: RunOptions = { timeoutMs: (seconds + 30) * 1000 };
  const listener = server.start(["iperf3", "-s", "-1", "-B", address]);
  try {
    const listening = await waitFor(
      async () => (await server.run(["ss", "-Htln", "sport = :5201"])).trim() !== "",
      15_000,
    );
    if (!listening) throw new Error(`iperf3 does not listen on ${address}`);
    const argv = ["iperf3", "-J", "-c", address, "-t", `${seconds}`, "-P", `${options.streams ?? 1}`];
    if (options.protocol === "udp") argv.push("-u", "-b", `${options.megabits ?? 20}M`);
    if (options.direction === "reverse") argv.push("-R");
    const receiver = options.direction === "reverse" ? client : server;
    const before = options.protocol === "udp" ? await overflows(receiver) : 0;
    const result = await client.attempt(argv, limits);
    const report = JSON.parse(result.stdout || "{}");
    if (result.code !== 0 || report.error) {
      throw new Error(`${argv.join(" ")}: ${report.error ?? `exit code ${result.code}`} ${result.stderr}`);
    }
    await ended(listener, 2000);
    if (options.protocol === "tcp") {
      const sum = report.end.sum_received;
      return { receivedBytes: sum.bytes, megabitsPerSecond: sum.bits_per_second / 1e6, lostPercent: 0 };
    }
    const sum = report.end.sum;
    const share = 1 - sum.lost_packets / Math.max(1, sum.packets);
    const lost = Math.max(0, sum.lost_packets - ((await overflows(receiver)) - before));
    return {
      receivedBytes: sum.bytes * share,
      megabitsPerSecond: (sum.bits_per_second * share) / 1e6,
      lostPercent: (100 * lost) / Math.max(1, sum.packets),
    };
  } finally {
    killGroup(listener);
  }
}
