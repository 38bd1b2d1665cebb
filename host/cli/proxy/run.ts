/** Runs a proxy until it is asked to stop: the network, its services, what tells about them, and an end in order. */

import { configOf } from "../../library/config.ts";
import { Network } from "../../network/index.ts";
import { networkOf } from "../../network/network-options.ts";
import { usersOfSockets } from "../../os/socket-users.ts";
import { endingSignals } from "../../platform.ts";
import { AliveChecks } from "../../proxy/alive.ts";
import type { Plan } from "../../proxy/config/plan.ts";
import { Connections } from "../../proxy/connections.ts";
import type { Context } from "../../proxy/context.ts";
import { forwardStdio } from "../../proxy/forward/tcp.ts";
import { serveInfo } from "../../proxy/info.ts";
import { LiveStatus } from "../../proxy/live-status.ts";
import { networkWay } from "../../proxy/network-way.ts";
import { PacketCapture } from "../../proxy/pcap.ts";
import { Quiet } from "../../proxy/quiet.ts";
import { startServices } from "../../proxy/services.ts";
import { describeTarget } from "../../proxy/way.ts";
import { serveWeb } from "../../web/server.ts";
import type { TunnelStatus } from "../../web/status.ts";
import { forbidDumps } from "../quick/process.ts";
import { packageVersion } from "../version.ts";
import type { ProxyFlags, RunOptions } from "./flags.ts";
import { memoryRelease } from "./memory.ts";

const REQUEST_MS = 20_000;
const CONNECT_MS = 60_000;

function statusOf(name: string, network: Network, connections: Connections): TunnelStatus {
  const { peers } = network.status();
  const { drops } = network.statistics();
  return {
    name,
    version: packageVersion() ?? "",
    peers: peers.map(({ publicKey, endpoint, handshakeAgeSeconds, rxBytes, txBytes }) => ({
      publicKey,
      endpoint: endpoint ?? null,
      handshakeAgeSeconds: handshakeAgeSeconds ?? null,
      received: Number(rxBytes),
      sent: Number(txBytes),
    })),
    drops: Object.fromEntries(Object.entries(drops).map(([reason, count]) => [reason, Number(count)])),
    connections: { open: connections.open, accepted: connections.accepted, refused: connections.refused },
  };
}

function openNetwork(name: string, plan: Plan, capture: PacketCapture | undefined): Promise<Network> {
  const config = configOf(plan.tunnel, name);
  const tap = capture && { tap: (packet: Uint8Array): void => capture.packet(packet, Date.now()) };
  return Network.create(networkOf(config, { prefer: plan.resolve, ...tap }));
}

/** What has to be closed in the end, the last thing first. */
class Closing {
  readonly #steps: (() => void | Promise<void>)[] = [];

  defer(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

/** Resolves at the first of these signals; at the second the process ends at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    for (const signal of endingSignals()) process.on(signal, stop);
  });
}

/** @returns the exit code */
export async function runProxy(name: string, plan: Plan, flags: ProxyFlags, options: RunOptions): Promise<number> {
  const stopped = stopSignal();
  const stdio = plan.services.find((service) => service.kind === "stdio");
  // Standard output belongs to the connection then.
  const say = (line: string): void => {
    if (!flags.silent) (stdio === undefined ? process.stdout : process.stderr).write(`${line}\n`);
  };
  const closing = new Closing();
  try {
    const capture = flags.pcap === undefined ? undefined : new PacketCapture(flags.pcap);
    if (capture !== undefined) {
      closing.defer(() => capture.close());
      process.stderr.write(`wasmguard: ${flags.pcap} gets everything that passes, decrypted: keep it to yourself\n`);
    }
    const network = await openNetwork(name, plan, capture);
    closing.defer(() => network.close());
    const quiet = new Quiet(await memoryRelease());
    closing.defer(() => quiet.close());
    const limits = { most: options.connectionsMax, idleMs: options.idleMs, used: () => quiet.used() };
    const connections = new Connections(limits);
    closing.defer(() => connections.close());
    const log = flags.verbose ? (line: string) => void process.stderr.write(`${line}\n`) : () => {};
    const context: Context = {
      way: networkWay(network),
      connections,
      requestMs: REQUEST_MS,
      connectMs: CONNECT_MS,
      users: usersOfSockets,
      log,
    };
    const services = await startServices(context, plan);
    closing.defer(() => {
      for (const { close } of services) close();
    });
    for (const { description } of services) say(description);
    const status = (): TunnelStatus => statusOf(name, network, connections);
    const alive = new AliveChecks({
      addresses: plan.checkAlive,
      intervalMs: plan.checkAliveMs,
      ping: async (address, signal) => void (await network.ping(address, { signal })),
      wallTime: () => Date.now(),
    });
    closing.defer(() => alive.close());
    if (options.info !== undefined) {
      const info = await serveInfo(options.info, status, alive);
      closing.defer(() => info.close());
      say(`metrics and health on ${describeTarget(info.address)}`);
    }
    if (options.web !== undefined) {
      const page = await serveWeb(options.web, status);
      closing.defer(() => page.close());
      say(`page at ${page.url}`);
    }
    if (flags.status) {
      const live = new LiveStatus(status, process.stdout);
      closing.defer(() => live.close());
    }
    // Only now: whoever may not be looked into cannot open /dev/fd/N either, which a capture or a certificate may be.
    await forbidDumps();
    // Behind a ProxyCommand the line would stand in everybody's terminal.
    if (stdio === undefined) say("ready");
    if (stdio !== undefined) {
      const joined = forwardStdio(context, stdio.target, { input: process.stdin, output: process.stdout });
      const report = await Promise.race([joined, stopped]);
      return report !== undefined && report.error !== undefined ? 1 : 0;
    }
    await stopped;
    for (const { close } of services.splice(0)) close();
    if (connections.open > 0) say(`ending: ${connections.open} connections have ${options.drainMs / 1000} s`);
    await connections.drain(options.drainMs);
    return 0;
  } finally {
    await closing.run();
  }
}
