/**
 * The tests: iperf3 and ping from the near end to the far end, their reports as numbers. TCP uses cubic everywhere, since
 * a machine's default may be another. No test takes much longer than it says.
 */
import { ended, killGroup, waitFor } from "../../test/e2e/support/exec.ts";
import type { Bed } from "./bed.ts";
import { DATAGRAM_BYTES, ECHO_BYTES, type Measurement, type Test, type UdpTest } from "./results.ts";

export interface TrafficOptions {
  readonly seconds: number;
  /** Rate of the paced test, Mbit/s. */
  readonly pacedMegabits: number;
}

export type Outcome = Pick<
  Measurement,
  "bytes" | "megabits" | "sentMegabits" | "lostPercent" | "sent" | "lost" | "retransmits" | "p50Ms" | "p99Ms"
>;

const PINGS = 1000;
const IPERF_PORT = 5201;
const TCP = ["-C", "cubic"];

/** Listen, run the client, read its report. @throws with iperf3's own words */
async function iperf(bed: Bed, seconds: number, args: readonly string[]): Promise<IperfReport> {
  const server = bed.far.namespace.start(["iperf3", "-s", "-1", "-B", bed.target]);
  try {
    const question = ["ss", "-Htln", `sport = :${IPERF_PORT}`];
    if (!(await waitFor(async () => (await bed.far.namespace.run(question)).trim() !== "", 5000))) {
      throw new Error(`iperf3 does not listen on ${bed.target}`);
    }
    const argv = ["iperf3", "-J", "-c", bed.target, "-t", `${seconds}`, ...args];
    const { code, stdout, stderr } = await bed.near.namespace.attempt(argv, { timeoutMs: (seconds + 15) * 1000 });
    const report = JSON.parse(stdout || "{}");
    if (code !== 0 || report.error) throw new Error(`iperf3: ${report.error ?? `exit code ${code}`} ${stderr}`);
    await ended(server, 1000);
    return report.end;
  } finally {
    killGroup(server);
  }
}

interface IperfSum {
  readonly bytes: number;
  readonly seconds: number;
  readonly bits_per_second: number;
  readonly retransmits?: number;
  readonly packets: number;
  readonly lost_packets: number;
}
interface IperfReport {
  readonly sum_sent: IperfSum;
  readonly sum_received: IperfSum;
  readonly sum: IperfSum;
}

async function tcp(bed: Bed, seconds: number, args: readonly string[]): Promise<Outcome> {
  const { sum_sent: sent, sum_received: received } = await iperf(bed, seconds, [...TCP, ...args]);
  return { bytes: received.bytes, megabits: received.bits_per_second / 1e6, retransmits: sent.retransmits ?? 0 };
}

async function udp(bed: Bed, test: UdpTest, seconds: number, rate: string): Promise<Outcome> {
  const datagram = DATAGRAM_BYTES[test];
  const { sum } = await iperf(bed, seconds, ["-u", "-b", rate, "-l", `${datagram}`]);
  const bytes = (sum.packets - sum.lost_packets) * datagram;
  return {
    bytes,
    megabits: (bytes * 8) / sum.seconds / 1e6,
    sentMegabits: (sum.bytes * 8) / sum.seconds / 1e6,
    lostPercent: (100 * sum.lost_packets) / Math.max(1, sum.packets),
    sent: sum.packets,
    lost: sum.lost_packets,
  };
}

async function pings(bed: Bed): Promise<Outcome> {
  const argv = ["ping", "-n", "-i", "0.001", "-c", `${PINGS}`, "-W", "1", bed.target];
  const { stdout } = await bed.near.namespace.attempt(argv, { timeoutMs: 60_000 });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1])).sort((a, b) => a - b);
  if (times.length === 0) throw new Error("no ping was answered");
  return {
    bytes: times.length * ECHO_BYTES,
    p50Ms: times[(times.length - 1) >> 1]!,
    p99Ms: times[Math.floor((times.length - 1) * 0.99)]!,
    lostPercent: 100 - (100 * times.length) / PINGS,
  };
}

export function run(bed: Bed, test: Test, { seconds, pacedMegabits }: TrafficOptions): Promise<Outcome> {
  switch (test) {
    case "tcp1":
      return tcp(bed, seconds, []);
    case "tcp4":
      return tcp(bed, seconds, ["-P", "4"]);
    case "tcprev":
      return tcp(bed, seconds, ["-R"]);
    case "udp":
    case "udp512":
    case "udp64":
      return udp(bed, test, seconds, "0");
    case "udppaced":
      return udp(bed, test, seconds, `${pacedMegabits}M`);
    case "ping":
      return pings(bed);
  }
}

/** A second of TCP each way, not counted: compilers finish, sockets grow, clocks come up. */
export async function warmUp(bed: Bed): Promise<void> {
  await tcp(bed, 1, []);
  await tcp(bed, 1, ["-R"]);
}
