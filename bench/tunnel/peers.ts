/**
 * Many peers: how long `wg setconf` and `wg show dump` take, and the daemon's memory, with 0, 1, 1000 and 10,000 peers of one
 * IPv4 and one IPv6 prefix each, in a fresh daemon. No traffic.
 */
import { randomBytes } from "node:crypto";
import { sleep } from "../../test/e2e/support/exec.ts";
import { Topology } from "../../test/e2e/support/topology.ts";
import { formatConfig, makeKeyPair, type PeerConfig } from "../../test/e2e/support/wireguard.ts";
import { startDaemon } from "./bed.ts";
import { cpuTime, memory } from "./counters.ts";
import type { Program } from "./programs.ts";
import type { PeersResult } from "./results.ts";

export const PEER_COUNTS = [0, 1, 1000, 10_000];
const SETTLE_MS = 300;
/** What is put off until there is time, such as a secret for each peer. */
const SETTLE_MS_PER_PEER = 0.1;
const IDLE_MS = 1000;

function peerConfigs(count: number): PeerConfig[] {
  return Array.from({ length: count }, (_, i) => ({
    // Any 32 bytes are a public key.
    publicKey: randomBytes(32).toString("base64"),
    allowedIps: [`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`, `fd00:1::${(i + 1).toString(16)}/128`],
  }));
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

export async function measurePeers(program: Program, peers: number): Promise<PeersResult> {
  await using topology = new Topology();
  const namespace = await topology.namespace("peers");
  const daemon = await startDaemon(topology, namespace, program);
  const name = daemon.interface;
  const pids = namespace.pids();
  const config = formatConfig({ privateKey: makeKeyPair().privateKey, listenPort: 51_820, peers: peerConfigs(peers) });
  const path = topology.file(`${name}.conf`, config);
  const first = await timed(() => daemon.wg("setconf", name, path));
  await namespace.ip("link", "set", name, "up");
  await sleep(SETTLE_MS + peers * SETTLE_MS_PER_PEER);
  const cpu = cpuTime(pids).both;
  await sleep(IDLE_MS);
  const idlePercent = ((cpuTime(pids).both - cpu) / IDLE_MS) * 1e5;
  const residentBytes = memory(pids, "VmRSS");
  const again = await timed(() => daemon.wg("setconf", name, path));
  const dump = await timed(() => daemon.wg("show", name, "dump"));
  const lines = dump.result.trimEnd().split("\n").length;
  if (lines !== peers + 1) throw new Error(`${program.name}: dump of ${peers} peers has ${lines} lines`);
  return {
    program: program.name,
    peers,
    setconfMs: first.ms,
    againMs: again.ms,
    dumpMs: dump.ms,
    residentBytes,
    peakBytes: memory(pids, "VmHWM"),
    idlePercent,
  };
}
