/**
 * A test bed with the network stack at one end: a process without any interface in the near namespace (stack-gateway.ts), and a kernel
 * behind a daemon in the far one, with the usual servers.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { Daemon } from "./daemon.ts";
import type { Implementation } from "./implementations.ts";
import type { GatewayCommand, GatewayConfig } from "./stack-gateway.ts";
import type { Namespace, Topology } from "./topology.ts";
import { openTopology, showOnFailure } from "./tunnel.ts";
import { formatConfig, makeKeyPair } from "./wireguard.ts";

const NODE = fileURLToPath(new URL("../../../node_modules/.bin/node", import.meta.url));
const GATEWAY = fileURLToPath(new URL("./stack-gateway.ts", import.meta.url));

export const INSIDE = {
  near: { ipv4: "203.0.113.1", ipv6: "2001:db8:2::1" },
  far: { ipv4: "203.0.113.2", ipv6: "2001:db8:2::2" },
} as const;

/** Ports of 127.0.0.1 near by that lead to a far port by a family: 10000 more, or 20000. */
export function throughTunnel(port: number, family: "ipv4" | "ipv6"): number {
  return port + (family === "ipv4" ? 10_000 : 20_000);
}

export class StackBed {
  readonly topology: Topology;
  readonly near: Namespace;
  readonly far: Namespace;
  readonly #gateway: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  private constructor(topology: Topology, near: Namespace, far: Namespace, gateway: ChildProcessWithoutNullStreams) {
    this.topology = topology;
    this.near = near;
    this.far = far;
    this.#gateway = gateway;
    this.#answers = createInterface({ input: gateway.stdout })[Symbol.asyncIterator]();
  }

  /**
   * @param outPorts far ports that can be reached from the near namespace
   * @param inPorts  near ports that can be reached from the far one
   */
  static async open(
    ctx: TestContext,
    implementation: Implementation,
    outPorts: readonly number[],
    inPorts: readonly number[],
  ): Promise<StackBed> {
    const topology = openTopology(ctx, implementation);
    const near = await topology.namespace("near");
    const far = await topology.namespace("far");
    await topology.connect(
      { namespace: near, addresses: ["198.51.100.1/24"] },
      { namespace: far, addresses: ["198.51.100.2/24"] },
    );
    const [nearKeys, farKeys] = [makeKeyPair(), makeKeyPair()];
    const name = topology.interfaceName();
    const daemon = await Daemon.start(topology, far, implementation, name);
    const peer = { publicKey: nearKeys.publicKey, allowedIps: [`${INSIDE.near.ipv4}/32`, `${INSIDE.near.ipv6}/128`] };
    const file = formatConfig({ privateKey: farKeys.privateKey, listenPort: 51820, peers: [peer] });
    await daemon.wg("setconf", name, topology.file("far.conf", file));
    for (const address of [`${INSIDE.far.ipv4}/24`, `${INSIDE.far.ipv6}/64`]) await far.addAddress(name, address);
    await far.ip("link", "set", name, "mtu", "1420", "up");
    const families = ["ipv4", "ipv6"] as const;
    const config: GatewayConfig = {
      privateKey: nearKeys.privateKey,
      listenPort: 51820,
      addresses: [INSIDE.near.ipv4, INSIDE.near.ipv6],
      peer: {
        publicKey: farKeys.publicKey,
        endpoint: "198.51.100.2:51820",
        allowedIps: [`${INSIDE.far.ipv4}/32`, `${INSIDE.far.ipv6}/128`],
      },
      nameServers: [INSIDE.far.ipv4],
      out: families.flatMap((family) =>
        outPorts.map((toPort) => ({ port: throughTunnel(toPort, family), to: INSIDE.far[family], toPort })),
      ),
      in: inPorts.map((port) => ({ port, toPort: port })),
    };
    const [program, ...rest] = near.command([NODE, GATEWAY, JSON.stringify(config)]);
    const gateway = spawn(program!, rest);
    let errors = "";
    gateway.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    showOnFailure(ctx, () => `gateway: ${errors}\n${daemon.log()}`);
    const bed = new StackBed(topology, near, far, gateway);
    const first = await bed.#answer();
    if (first !== "ready") throw new Error(`the gateway did not start: ${errors}`);
    return bed;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    return done ? undefined : JSON.parse(value);
  }

  /** One at a time. */
  ask(command: GatewayCommand): Promise<unknown> {
    this.#gateway.stdin.write(`${JSON.stringify(command)}\n`);
    return this.#answer();
  }
}
