/** A third end beside a tunnel: a daemon in a namespace of its own, on a link of its own to the near end. */
import { Daemon } from "./daemon.ts";
import { subject } from "./implementations.ts";
import { formatEndpoint, type Tunnel } from "./tunnel.ts";
import { formatConfig, makeKeyPair } from "./wireguard.ts";

export const THIRD = { outside: "198.51.101.2", inside: "203.0.113.3" } as const;

/** It knows the near end, which has still to be told of it. */
export async function openThird({ topology, near }: Tunnel) {
  const keys = makeKeyPair();
  const name = topology.interfaceName();
  const namespace = await topology.namespace("third");
  const link = { near: "198.51.101.1", third: THIRD.outside };
  await topology.connect(
    { namespace: near.namespace, addresses: [`${link.near}/24`] },
    { namespace, addresses: [`${link.third}/24`] },
    1500,
  );
  const daemon = await Daemon.start(topology, namespace, subject, name);
  const peer = {
    publicKey: near.keys.publicKey,
    endpoint: formatEndpoint(link.near, near.port),
    allowedIps: near.allowedIps(),
  };
  const path = topology.file(`${name}.conf`, formatConfig({ privateKey: keys.privateKey, peers: [peer] }));
  await daemon.wg("setconf", name, path);
  await namespace.addAddress(name, `${THIRD.inside}/24`);
  await namespace.ip("link", "set", name, "mtu", "1420", "up");
  return { namespace, interface: name, publicKey: keys.publicKey };
}
