/** One client of a tunnel, and what its users get of it. The bed is that of bench:net's clients. */
import { fileURLToPath } from "node:url";
import { killGroup, sleep, waitFor } from "../../test/e2e/support/exec.ts";
import { type ClientBed, INSIDE, IPERF_PORT, listens, START_MS, withClient } from "../net/clients/measure.ts";
import { type Client, SOCKS } from "../net/clients/programs.ts";
import { cpuTime, memory } from "../tunnel/counters.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Longer than the proxy takes for a rest. */
const REST_MS = 20_000;
const SOCKS_PORT = SOCKS.split(":")[1]!;

/** How users come in. */
export type Way = "forward" | "SOCKS5";

export interface ProxyRun {
  readonly client: string;
  readonly way: Way;
  readonly megabits: number;
  readonly requestsPerSecond: number;
  readonly latencyMicroseconds: { readonly median: number; readonly p99: number };
  /** The client's, with all its threads: what a busy machine does not change much. */
  readonly cpuMillisecondsPerRequest: number;
  readonly cpuSecondsPerGigabyte: number;
  /** Before anybody has come, and the most while all of this was measured. */
  readonly idleBytes: number;
  readonly peakBytes: number;
  /** When nobody has come for REST_MS after all of this. */
  readonly restBytes: number;
}

async function withServer<T>({ far }: ClientBed, kind: "web" | "echo", work: () => Promise<T>): Promise<T> {
  const server = far.start([process.execPath, here("server.mjs"), kind, INSIDE.far, `${IPERF_PORT}`]);
  try {
    if (!(await waitFor(listens(far, IPERF_PORT), START_MS))) throw new Error(`the ${kind} server does not listen`);
    return await work();
  } finally {
    killGroup(server);
    await waitFor(async () => !(await listens(far, IPERF_PORT)()), START_MS);
  }
}

async function use<T>({ near }: ClientBed, what: string, way: Way, seconds: number): Promise<T> {
  const target = way === "SOCKS5" ? [SOCKS_PORT, INSIDE.far, `${IPERF_PORT}`] : [`${IPERF_PORT}`];
  const argv = [process.execPath, here("client.mjs"), what, `${seconds}`, ...target];
  return JSON.parse(await near.run(argv, { timeoutMs: 1000 * (seconds + 30) })) as T;
}

async function costed<T>({ pids }: ClientBed, work: () => Promise<T>): Promise<T & { cpuSeconds: number }> {
  const before = cpuTime(pids).both;
  const done = await work();
  return { ...done, cpuSeconds: cpuTime(pids).both - before };
}

export function measureProxy(client: Client, way: Way, seconds: number): Promise<ProxyRun> {
  return withClient(client, async (bed) => {
    // The handshake, and the compiler's first look at the code.
    await withServer(bed, "web", () => use(bed, "requests", way, 1));
    await sleep(500);
    const idleBytes = memory(bed.pids, "VmRSS");
    const latencyMicroseconds = await withServer(bed, "echo", () =>
      use<{ median: number; p99: number }>(bed, "latency", way, seconds),
    );
    const [asked, loaded] = await withServer(bed, "web", async () => [
      await costed(bed, () => use<{ perSecond: number; answered: number }>(bed, "requests", way, seconds)),
      await costed(bed, () => use<{ megabits: number; bytes: number }>(bed, "download", way, seconds)),
    ]);
    const peakBytes = memory(bed.pids, "VmHWM");
    await sleep(REST_MS);
    return {
      client: client.name,
      way,
      megabits: loaded.megabits,
      requestsPerSecond: asked.perSecond,
      latencyMicroseconds,
      cpuMillisecondsPerRequest: (1000 * asked.cpuSeconds) / asked.answered,
      cpuSecondsPerGigabyte: (1e9 * loaded.cpuSeconds) / loaded.bytes,
      idleBytes,
      peakBytes,
      restBytes: memory(bed.pids, "VmRSS"),
    };
  });
}
