/**
 * A client of a tunnel that forwards a port, and iperf3 through it, both ways:
 *
 *   near: iperf3 ── 127.0.0.1, client, 198.51.100.1 ── veth ── 198.51.100.2, daemon, TUN, 203.0.113.2 ── iperf3 :far
 *
 * The far end is the same for all. CPU time is the client's, with all its threads.
 */
import type { Daemon } from "../../../test/e2e/support/daemon.ts";
import { ended, killGroup, sleep, waitFor } from "../../../test/e2e/support/exec.ts";
import { type Namespace, Topology } from "../../../test/e2e/support/topology.ts";
import { formatConfig, makeKeyPair } from "../../../test/e2e/support/wireguard.ts";
import { startDaemon } from "../../tunnel/bed.ts";
import { cpuTime, memory } from "../../tunnel/counters.ts";
import { ours } from "../../tunnel/programs.ts";
import { Program } from "../emulated/program.ts";
import type { Client } from "./programs.ts";

const OUTSIDE = { near: "198.51.100.1", far: "198.51.100.2" } as const;
export const INSIDE = { near: "203.0.113.1", far: "203.0.113.2" } as const;
const PORT = 51_820;
export const IPERF_PORT = 5201;
const LOCAL = `127.0.0.1:${IPERF_PORT}`;
const MTU = 1420;
export const START_MS = 20_000;
const WARM_UP_SECONDS = 1;

export type Direction = "up" | "down";

export interface ClientRun {
  readonly client: string;
  readonly direction: Direction;
  readonly megabits: number;
  readonly cpuSecondsPerGigabyte: number;
  readonly peakBytes: number;
}

export const listens = (namespace: Namespace, port: number) => async () =>
  (await namespace.run(["ss", "-Htln", `sport = :${port}`])).trim() !== "";

async function iperf(near: Namespace, far: Namespace, direction: Direction, seconds: number): Promise<number> {
  const server = far.start(["iperf3", "-s", "-1", "-B", INSIDE.far]);
  try {
    if (!(await waitFor(listens(far, IPERF_PORT), START_MS))) throw new Error("iperf3 does not listen");
    const way = direction === "up" ? [] : ["-R"];
    const argv = ["iperf3", "-J", "-c", "127.0.0.1", "-p", `${IPERF_PORT}`, "-t", `${seconds}`, ...way];
    const { stdout, stderr } = await near.attempt(argv, { timeoutMs: 1000 * (seconds + 20) });
    const report = JSON.parse(stdout || "{}");
    if (report.error !== undefined || report.end === undefined) throw new Error(`iperf3: ${report.error} ${stderr}`);
    await ended(server, 1000);
    return report.end.sum_received.bytes;
  } finally {
    killGroup(server);
  }
}

async function startFar(topology: Topology, far: Namespace, nearKey: string, privateKey: string): Promise<Daemon> {
  const daemon = await startDaemon(topology, far, ours("node26", "plain"));
  const name = daemon.interface;
  const peers = [{ publicKey: nearKey, allowedIps: [`${INSIDE.near}/32`] }];
  const config = formatConfig({ privateKey, listenPort: PORT, peers });
  await daemon.wg("setconf", name, topology.file(`${name}.conf`, config));
  await far.addAddress(name, `${INSIDE.far}/24`);
  await far.ip("link", "set", name, "mtu", `${MTU}`, "up");
  return daemon;
}

/** A client that listens at `LOCAL`, and what it leads to: the same port of `INSIDE.far`. */
export interface ClientBed {
  readonly near: Namespace;
  readonly far: Namespace;
  /** The client's processes. */
  readonly pids: readonly number[];
}

export async function withClient<T>(client: Client, work: (bed: ClientBed) => Promise<T>): Promise<T> {
  await using topology = new Topology();
  const [near, far] = [await topology.namespace("near"), await topology.namespace("far")];
  const end = (namespace: Namespace, address: string) => ({ namespace, addresses: [`${address}/24`] });
  await topology.connect(end(near, OUTSIDE.near), end(far, OUTSIDE.far));
  const keys = { near: makeKeyPair(), far: makeKeyPair() };
  await startFar(topology, far, keys.near.publicKey, keys.far.privateKey);
  const settings = {
    privateKey: keys.near.privateKey,
    publicKey: keys.far.publicKey,
    address: INSIDE.near,
    endpoint: `${OUTSIDE.far}:${PORT}`,
    local: LOCAL,
    remote: `${INSIDE.far}:${IPERF_PORT}`,
    mtu: MTU,
  };
  using process = new Program(near, client.argv(settings));
  process.endInput(client.input(settings));
  if (!(await waitFor(listens(near, IPERF_PORT), START_MS))) throw new Error(`${client.name} does not listen`);
  return await work({ near, far, pids: near.pids() });
}

export function measureClient(client: Client, seconds: number): Promise<ClientRun[]> {
  return withClient(client, async ({ near, far, pids }) => {
    const runs: ClientRun[] = [];
    for (const direction of ["up", "down"] as const) {
      await iperf(near, far, direction, WARM_UP_SECONDS);
      await sleep(200);
      const before = cpuTime(pids).both;
      const bytes = await iperf(near, far, direction, seconds);
      const cpu = cpuTime(pids).both - before;
      runs.push({
        client: client.name,
        direction,
        megabits: (bytes * 8) / seconds / 1e6,
        cpuSecondsPerGigabyte: (cpu / bytes) * 1e9,
        peakBytes: memory(pids, "VmHWM"),
      });
    }
    return runs;
  });
}
