/**
 * The bed of wireguard-go's own shell test, written anew: both daemons start in one namespace, where their UDP stays on
 * the loopback, and each interface moves to a namespace of its own.
 *
 *   one: first, 192.168.241.1, fd00::1  <- [ outside: both daemons, UDP over lo ] ->  two: second, 192.168.241.2, fd00::2
 */
import type { TestContext } from "vitest";
import { Daemon } from "./daemon.ts";
import { waitFor } from "./exec.ts";
import type { Implementation, Pair } from "./implementations.ts";
import type { Namespace, Topology } from "./topology.ts";
import { type Family, formatEndpoint, openTopology, showOnFailure } from "./tunnel.ts";
import { formatConfig, type KeyPair, makeKeyPair, makePresharedKey } from "./wireguard.ts";

const LOOPBACK = { ipv4: "127.0.0.1", ipv6: "::1" } as const;

export interface Station {
  readonly daemon: Daemon;
  /** Where the interface is. */
  readonly namespace: Namespace;
  readonly keys: KeyPair;
  readonly port: number;
  readonly inside: Readonly<Record<Family, string>>;
}

export class LoopbackBed {
  readonly topology: Topology;
  /** Where the daemons and their sockets are. */
  readonly outside: Namespace;
  readonly one: Station;
  readonly two: Station;

  private constructor(topology: Topology, outside: Namespace, one: Station, two: Station) {
    this.topology = topology;
    this.outside = outside;
    this.one = one;
    this.two = two;
  }

  /** Both interfaces are configured and up, with a preshared key; no endpoint is known yet. */
  static async open(ctx: TestContext, pair: Pair, mtu = 1420): Promise<LoopbackBed> {
    const topology = openTopology(ctx, pair.near, pair.far);
    const outside = await topology.namespace("outside");
    const one = await station(topology, outside, pair.near, 1);
    const two = await station(topology, outside, pair.far, 2);
    showOnFailure(ctx, () => one.daemon.log() + two.daemon.log());
    const presharedKey = makePresharedKey();
    for (const [own, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const allowedIps = [`${other.inside.ipv4}/32`, `${other.inside.ipv6}/128`];
      const peers = [{ publicKey: other.keys.publicKey, presharedKey, allowedIps }];
      const config = { privateKey: own.keys.privateKey, listenPort: own.port, peers };
      const path = topology.file(`${own.daemon.interface}.conf`, formatConfig(config));
      await own.daemon.wg("setconf", own.daemon.interface, path);
      await own.namespace.ip("link", "set", own.daemon.interface, "mtu", `${mtu}`, "up");
    }
    // The interface is out of the daemon's sight: that it is up shows only when a socket is bound.
    const bound = async () => {
      const sockets = await outside.run(["ss", "-Hnul"]);
      return [one, two].every(({ port }) => sockets.includes(`:${port} `));
    };
    if (!(await waitFor(bound, 15_000))) throw new Error("the daemons did not notice within 15 s that they are up");
    return new LoopbackBed(topology, outside, one, two);
  }

  async setEndpoint(of: Station, to: Station, address: string): Promise<void> {
    const endpoint = formatEndpoint(address, to.port);
    await of.daemon.wg("set", of.daemon.interface, "peer", to.keys.publicKey, "endpoint", endpoint);
  }

  /** Both know each other's address. */
  async connect(family: Family): Promise<void> {
    await this.setEndpoint(this.one, this.two, LOOPBACK[family]);
    await this.setEndpoint(this.two, this.one, LOOPBACK[family]);
  }
}

async function station(
  topology: Topology,
  outside: Namespace,
  implementation: Implementation,
  number: 1 | 2,
): Promise<Station> {
  const namespace = await topology.namespace(number === 1 ? "one" : "two");
  const daemon = await Daemon.start(topology, outside, implementation, topology.interfaceName());
  await outside.ip("link", "set", daemon.interface, "netns", namespace.name);
  const inside = { ipv4: `192.168.241.${number}`, ipv6: `fd00::${number}` };
  await namespace.addAddress(daemon.interface, `${inside.ipv4}/24`);
  await namespace.addAddress(daemon.interface, `${inside.ipv6}/112`);
  return { daemon, namespace, keys: makeKeyPair(), port: number * 10_000, inside };
}
