/**
 * The usual test bed: two namespaces on one link, a daemon in each, and a tunnel between them with IPv4 and IPv6 inside.
 *
 *   near: 198.51.100.1, 2001:db8:1::1  ---- link ----  far: 198.51.100.2, 2001:db8:1::2     outside
 *         203.0.113.1,  2001:db8:2::1  ==== tunnel ===      203.0.113.2,  2001:db8:2::2     inside
 */
import { afterAll, type TestContext } from "vitest";
import { Daemon } from "./daemon.ts";
import type { Implementation, Pair } from "./implementations.ts";
import { cannotRun, requireLab } from "./requirements.ts";
import { type Namespace, Topology } from "./topology.ts";
import { type DeviceConfig, formatConfig, type KeyPair, makeKeyPair, makePresharedKey } from "./wireguard.ts";

export type Family = "ipv4" | "ipv6";

const PORT = 51820;
const OUTSIDE = {
  near: { ipv4: "198.51.100.1", ipv6: "2001:db8:1::1" },
  far: { ipv4: "198.51.100.2", ipv6: "2001:db8:1::2" },
} as const;
const INSIDE = {
  near: { ipv4: "203.0.113.1", ipv6: "2001:db8:2::1" },
  far: { ipv4: "203.0.113.2", ipv6: "2001:db8:2::2" },
} as const;

export interface TunnelOptions {
  /** Family that carries the tunnel. */
  readonly outer?: Family;
  /** MTU of the tunnel interfaces. */
  readonly mtu?: number;
  /** MTU of the link between the namespaces. */
  readonly linkMtu?: number;
  readonly presharedKey?: "preshared key";
  readonly environment?: { readonly near?: Record<string, string>; readonly far?: Record<string, string> };
}

export class End {
  readonly label: "near" | "far";
  readonly namespace: Namespace;
  readonly implementation: Implementation;
  readonly interface: string;
  readonly keys: KeyPair = makeKeyPair();
  readonly port = PORT;
  daemon!: Daemon;

  constructor(label: "near" | "far", namespace: Namespace, implementation: Implementation, name: string) {
    this.label = label;
    this.namespace = namespace;
    this.implementation = implementation;
    this.interface = name;
  }

  outside(family: Family): string {
    return OUTSIDE[this.label][family];
  }

  inside(family: Family): string {
    return INSIDE[this.label][family];
  }

  /** `ADDRESS:PORT` as `wg` writes it. */
  endpoint(family: Family): string {
    return formatEndpoint(this.outside(family), this.port);
  }

  allowedIps(): string[] {
    return [`${this.inside("ipv4")}/32`, `${this.inside("ipv6")}/128`];
  }
}

export function formatEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export class Tunnel implements AsyncDisposable {
  readonly topology: Topology;
  readonly near: End;
  readonly far: End;
  /** The interface between the namespaces, same name at both ends. */
  readonly link: string;
  readonly options: TunnelOptions;
  readonly presharedKey: string | undefined;

  private constructor(topology: Topology, near: End, far: End, link: string, options: TunnelOptions) {
    this.topology = topology;
    this.near = near;
    this.far = far;
    this.link = link;
    this.options = options;
    this.presharedKey = options.presharedKey ? makePresharedKey() : undefined;
  }

  /** Both daemons run and are configured; no packet has been sent yet. */
  static async open(pair: Pair, options: TunnelOptions = {}): Promise<Tunnel> {
    const topology = new Topology();
    try {
      const near = new End("near", await topology.namespace("near"), pair.near, topology.interfaceName());
      const far = new End("far", await topology.namespace("far"), pair.far, topology.interfaceName());
      const addresses = (end: End) => [`${end.outside("ipv4")}/24`, `${end.outside("ipv6")}/64`];
      const link = await topology.connect(
        { namespace: near.namespace, addresses: addresses(near) },
        { namespace: far.namespace, addresses: addresses(far) },
        options.linkMtu ?? 1500,
      );
      const tunnel = new Tunnel(topology, near, far, link, options);
      await tunnel.startEnd(near);
      await tunnel.startEnd(far);
      return tunnel;
    } catch (error) {
      await topology[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Start the daemon of one end and configure it from nothing. @param link as its interface is left */
  async startEnd(end: End, link: "up" | "down" = "up"): Promise<void> {
    const environment = this.options.environment?.[end.label] ?? {};
    end.daemon = await Daemon.start(this.topology, end.namespace, end.implementation, end.interface, environment);
    await this.configure(end, this.config(end));
    await end.namespace.addAddress(end.interface, `${end.inside("ipv4")}/24`);
    await end.namespace.addAddress(end.interface, `${end.inside("ipv6")}/64`);
    await end.namespace.ip("link", "set", end.interface, "mtu", `${this.options.mtu ?? 1420}`, link);
  }

  /** The configuration that lets an end talk to the other one. */
  config(end: End): DeviceConfig {
    const other = this.other(end);
    return {
      privateKey: end.keys.privateKey,
      listenPort: end.port,
      peers: [
        {
          publicKey: other.keys.publicKey,
          endpoint: other.endpoint(this.options.outer ?? "ipv4"),
          allowedIps: other.allowedIps(),
          ...(this.presharedKey === undefined ? {} : { presharedKey: this.presharedKey }),
        },
      ],
    };
  }

  async configure(end: End, config: DeviceConfig): Promise<void> {
    const path = this.topology.file(`${end.interface}.conf`, formatConfig(config));
    await end.daemon.wg("setconf", end.interface, path);
  }

  other(end: End): End {
    return end === this.near ? this.far : this.near;
  }

  /** What the daemons wrote, for the message of a failing test. */
  logs(): string {
    return [this.near, this.far]
      .map((end) => `--- ${end.label} (${end.implementation.name}): ${end.daemon?.log() ?? ""}`)
      .join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.topology[Symbol.asyncDispose]();
  }
}

/** Skip where one of the programs cannot run. */
export function requirePrograms(ctx: TestContext, ...programs: Implementation[]): void {
  requireLab(ctx);
  for (const program of programs) {
    const reason = program.unavailable();
    if (reason) cannotRun(ctx, reason);
  }
}

/**
 * Print what helps to understand a failed test. Call it after what removes the logs: the last hook runs first, and
 * vitest's own hook for failures runs after all of these.
 */
export function showOnFailure(ctx: TestContext, text: () => string): void {
  ctx.onTestFinished(({ task }) => {
    if (task.result?.state === "fail") console.error(text());
  });
}

/** A tunnel of the test's own; its logs are shown when the test fails. */
export async function openTunnel(ctx: TestContext, pair: Pair, options: TunnelOptions = {}): Promise<Tunnel> {
  requirePrograms(ctx, pair.near, pair.far);
  const tunnel = await Tunnel.open(pair, options);
  ctx.onTestFinished(() => tunnel[Symbol.asyncDispose]());
  showOnFailure(ctx, () => tunnel.logs());
  return tunnel;
}

/** One tunnel for all tests of a describe block, made when the first one asks for it. */
export function sharedTunnel(pair: Pair, options: TunnelOptions = {}): (ctx: TestContext) => Promise<Tunnel> {
  let opened: Promise<Tunnel> | undefined;
  afterAll(async () => {
    await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
  });
  return async (ctx) => {
    requirePrograms(ctx, pair.near, pair.far);
    opened ??= Tunnel.open(pair, options);
    const tunnel = await opened;
    showOnFailure(ctx, () => tunnel.logs());
    return tunnel;
  };
}

/** A single daemon in a namespace of its own, not configured. */
export async function openDaemon(
  ctx: TestContext,
  implementation: Implementation,
  env: Record<string, string> = {},
): Promise<{ topology: Topology; namespace: Namespace; daemon: Daemon }> {
  const topology = openTopology(ctx, implementation);
  const namespace = await topology.namespace("only");
  const daemon = await Daemon.start(topology, namespace, implementation, topology.interfaceName(), env);
  showOnFailure(ctx, () => daemon.log());
  return { topology, namespace, daemon };
}

/** A topology that goes with the test. */
export function openTopology(ctx: TestContext, ...programs: Implementation[]): Topology {
  requirePrograms(ctx, ...programs);
  const topology = new Topology();
  ctx.onTestFinished(() => topology[Symbol.asyncDispose]());
  return topology;
}
