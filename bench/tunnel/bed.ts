/**
 * Two namespaces joined by a veth pair, with one program at both ends of a tunnel between them, or with nothing:
 *
 *   near  203.0.113.1 <- TUN, daemon, 198.51.100.1 ----- veth ----- 198.51.100.2, daemon, TUN -> 203.0.113.2  far
 */
import { Daemon } from "../../test/e2e/support/daemon.ts";
import { type Namespace, Topology } from "../../test/e2e/support/topology.ts";
import { reaches } from "../../test/e2e/support/traffic.ts";
import { formatConfig, makeKeyPair } from "../../test/e2e/support/wireguard.ts";
import type { Program } from "./programs.ts";

const OUTSIDE = { near: "198.51.100.1", far: "198.51.100.2" } as const;
const INSIDE = { near: "203.0.113.1", far: "203.0.113.2" } as const;
const PORT = 51_820;
export const TUNNEL_MTU = 1420;
const LINK_MTU = 1500;
const CONNECT_MS = 10_000;

export interface BedEnd {
  readonly namespace: Namespace;
  /** The TUN device; undefined on a bare link. */
  readonly device?: string;
  readonly daemon?: Daemon;
  /** Processes whose CPU time and memory count. */
  readonly pids: readonly number[];
}

/** A daemon without a configuration, in a namespace of the topology. */
export function startDaemon(topology: Topology, namespace: Namespace, program: Program): Promise<Daemon> {
  const implementation = { name: program.name, command: program.command, unavailable: () => undefined };
  return Daemon.start(topology, namespace, implementation, topology.interfaceName());
}

export class Bed implements AsyncDisposable {
  readonly near: BedEnd;
  readonly far: BedEnd;
  /** The veth device, same name at both ends. */
  readonly link: string;
  /** Where tests connect from and to. */
  readonly target: string;
  readonly port = PORT;
  readonly #topology: Topology;

  private constructor(topology: Topology, near: BedEnd, far: BedEnd, link: string, target: string) {
    this.#topology = topology;
    this.near = near;
    this.far = far;
    this.link = link;
    this.target = target;
  }

  /** The pair alone. @param packets "single": without segmentation offload, as a tunnel of single packets sees it */
  static async bare(packets: "merged" | "single"): Promise<Bed> {
    const topology = new Topology();
    try {
      const { near, far, link } = await connect(topology, TUNNEL_MTU);
      if (packets === "single") {
        for (const namespace of [near, far]) {
          await namespace.run(["ethtool", "-K", link, "tso", "off", "gso", "off", "gro", "off"]);
        }
      }
      return new Bed(topology, { namespace: near, pids: [] }, { namespace: far, pids: [] }, link, OUTSIDE.far);
    } catch (error) {
      await topology[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Configured, up, and the far end answers. */
  static async tunnel(program: Program): Promise<Bed> {
    const topology = new Topology();
    try {
      const { near, far, link } = await connect(topology, LINK_MTU);
      const keys = { near: makeKeyPair(), far: makeKeyPair() };
      const end = async (own: "near" | "far", other: "near" | "far", namespace: Namespace): Promise<BedEnd> => {
        const daemon = await startDaemon(topology, namespace, program);
        const device = daemon.interface;
        const peer = {
          publicKey: keys[other].publicKey,
          endpoint: `${OUTSIDE[other]}:${PORT}`,
          allowedIps: [`${INSIDE[other]}/32`],
        };
        const config = { privateKey: keys[own].privateKey, listenPort: PORT, peers: [peer] };
        await daemon.wg("setconf", device, topology.file(`${device}.conf`, formatConfig(config)));
        await namespace.addAddress(device, `${INSIDE[own]}/24`);
        await namespace.ip("link", "set", device, "mtu", `${TUNNEL_MTU}`, "up");
        return { namespace, device, daemon, pids: namespace.pids() };
      };
      const ends = { near: await end("near", "far", near), far: await end("far", "near", far) };
      if (!(await reaches(near, INSIDE.far, CONNECT_MS)))
        throw new Error(`${program.name}: no ping through the tunnel`);
      return new Bed(topology, ends.near, ends.far, link, INSIDE.far);
    } catch (error) {
      await topology[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#topology[Symbol.asyncDispose]();
  }
}

async function connect(topology: Topology, mtu: number): Promise<{ near: Namespace; far: Namespace; link: string }> {
  const near = await topology.namespace("near");
  const far = await topology.namespace("far");
  const link = await topology.connect(
    { namespace: near, addresses: [`${OUTSIDE.near}/24`] },
    { namespace: far, addresses: [`${OUTSIDE.far}/24`] },
    mtu,
  );
  return { near, far, link };
}
