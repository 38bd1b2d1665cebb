/** Pairs of devices over loopback UDP with in-memory TUN ends, for the tests of the event driver. */
import {
  Device,
  type DeviceOptions,
  DgramBind,
  generatePrivateKey,
  type TunEnd,
  tunPair,
} from "../../../host/index.ts";

export const LOOPBACK = { ipv4: "127.0.0.1", ipv6: false } as const;
export const SMALL = { maxPeers: 64, maxAllowedIps: 256 } as const;

export interface Node {
  readonly device: Device;
  /** The host's end of the device's Tun. */
  readonly host: TunEnd;
  readonly privateKey: Uint8Array;
  /** 10.0.0.x */
  readonly address: number;
}

export async function makeNode(address: number, options: Partial<DeviceOptions> = {}): Promise<Node> {
  const [tun, host] = tunPair();
  const privateKey = options.privateKey ?? generatePrivateKey();
  const bind = new DgramBind(LOOPBACK);
  const device = await Device.create({ tun, bind, limits: SMALL, ...options, privateKey });
  return { device, host, privateKey, address };
}

export function introduce(
  node: Node,
  other: Node,
  withEndpoint: "endpoint" | "no endpoint",
  presharedKey?: Uint8Array,
) {
  node.device.addPeer({
    publicKey: other.device.publicKey,
    allowedIps: [`10.0.0.${other.address}`, `fd00::${other.address}`],
    endpoint: withEndpoint === "endpoint" ? `127.0.0.1:${other.device.listenPort}` : undefined,
    presharedKey,
  });
}

/** Two started devices that know each other; only the first knows where the other is. */
export async function makePair(presharedKey?: Uint8Array): Promise<[Node, Node]> {
  const nodes: [Node, Node] = [await makeNode(1), await makeNode(2)];
  for (const { device } of nodes) await device.start();
  introduce(nodes[0], nodes[1], "endpoint", presharedKey);
  introduce(nodes[1], nodes[0], "no endpoint", presharedKey);
  return nodes;
}

export async function closeAll(nodes: readonly Node[]): Promise<void> {
  for (const { device } of nodes) await device.close();
}

/** An IPv4 packet of protocol 253 (RFC 3692: for experiments) from one node to another. */
export function packet(from: Pick<Node, "address">, to: Pick<Node, "address">, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 253]);
  view.setUint16(2, bytes.length);
  bytes.set([10, 0, 0, from.address, 10, 0, 0, to.address], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum);
  bytes.set(payload, 20);
  return bytes;
}

const inboxes = new WeakMap<TunEnd, AsyncIterableIterator<Uint8Array>>();

/** The next packet that comes to a node's host. */
export async function nextPacket({ host }: Node): Promise<Uint8Array> {
  let inbox = inboxes.get(host);
  if (inbox === undefined) {
    inbox = host[Symbol.asyncIterator]();
    inboxes.set(host, inbox);
  }
  const { value } = await inbox.next();
  if (value === undefined) throw new Error("the Tun was closed");
  return value;
}

/** Send a packet, and wait until it has come whole. */
export async function exchange(from: Node, to: Node, text: string): Promise<void> {
  const sent = packet(from, to, new TextEncoder().encode(text));
  if (!from.host.write(sent)) throw new Error("the Tun is full");
  const got = await nextPacket(to);
  if (Buffer.compare(sent, got) !== 0)
    throw new Error(`not the packet that was sent: ${Buffer.from(got).toString("hex")}`);
}
