/** Two network stacks of one process, joined by a perfect link, on the real clock: what sockets stand on, without a tunnel. */
import { randomFillSync } from "node:crypto";
import { onTestFinished } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { connectByName } from "../../../../host/net/dns/happy-eyeballs.ts";
import { Resolver } from "../../../../host/net/dns/resolver.ts";
import type { PacketSink } from "../../../../host/net/sink.ts";
import { NetStack } from "../../../../host/net/stack.ts";
import { PACKET_BYTES_MAX, VNET_BYTES } from "../../../../host/net/vnet.ts";
import type { SocketContext } from "../../../../host/sockets/dial.ts";
import { Lookups } from "../../../../host/sockets/lookup.ts";

const MTU = 1420;

/** Hands packets over in the order in which they were sent. */
class Link implements PacketSink {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  cut = false;
  deliver: (packet: Uint8Array) => void = () => {};

  reserve(): number {
    this.bytes = new Uint8Array(VNET_BYTES + PACKET_BYTES_MAX);
    this.view = new DataView(this.bytes.buffer);
    return 0;
  }

  commit(at: number, length: number): void {
    if (!this.cut) this.deliver(this.bytes.subarray(at, at + length));
  }
}

export interface Node extends SocketContext {
  readonly stack: NetStack;
  readonly tcp: NetStack["tcp"];
  readonly udp: NetStack["udp"];
  readonly address: string;
  lookup: Lookups["lookup"];
  ownAddress(text: string): IpAddress | undefined;
}

/** Names of every test, and what else they may lead to. */
const NAMES = {
  "far.internal": ["10.0.0.2"],
  "other.internal": ["10.0.0.2"],
  "two.internal": ["10.9.9.9", "10.0.0.2"],
};

function node(address: string, link: Link, closed: () => boolean): Node {
  let planned = false;
  let timer: NodeJS.Timeout | undefined;
  const turn = (): void => {
    planned = false;
    clearTimeout(timer);
    if (closed()) return stack.close();
    stack.turn(performance.now());
    const wait = stack.nextDeadline() - performance.now();
    if (Number.isFinite(wait)) timer = setTimeout(turn, Math.max(0, wait));
  };
  const wake = (): void => {
    if (planned) return;
    planned = true;
    setImmediate(turn);
  };
  const stack = new NetStack({
    sink: link,
    addresses: [IpAddress.parse(address)!],
    mtu: MTU,
    random: (into) => void randomFillSync(into),
    wake,
    now: performance.now(),
  });
  const own = [IpAddress.parse(address)!];
  const hosts = Object.entries(NAMES).map(
    ([name, list]) => [name, list.map((text) => IpAddress.parse(text)!)] as const,
  );
  const resolver = Resolver.on(stack, { servers: [], hosts: new Map(hosts) });
  const lookups = new Lookups(resolver, own);
  return {
    stack,
    tcp: stack.tcp,
    udp: stack.udp,
    open: new Set(),
    closed: false,
    address,
    ownAddress: (text) => (text === address ? own[0] : undefined),
    lookup: (host, family, signal) => lookups.lookup(host, family, signal),
    connectByName: ({ family, ...wanted }, done) =>
      connectByName(
        { context: stack, tcp: stack.tcp, resolver, addresses: own },
        { ...wanted, families: family === 0 ? "both" : family, done },
      ),
  };
}

export function pair(near = "10.0.0.1", far = "10.0.0.2"): { near: Node; far: Node } {
  let over = false;
  const [out, back] = [new Link(), new Link()];
  onTestFinished(() => {
    // Node 26 crashes on a session of HTTP/2 whose connection is collected with a write under way, instead of being closed.
    for (const { open } of [nodes.near, nodes.far]) for (const one of [...open]) one.destroy();
    over = true;
    out.cut = true;
    back.cut = true;
  });
  const nodes = { near: node(near, out, () => over), far: node(far, back, () => over) };
  const join = (link: Link, { stack }: Node): void => {
    link.deliver = (packet) => {
      setImmediate(() => {
        stack.receive(packet, 0, packet.length, performance.now(), "given");
        stack.turn(performance.now());
      });
    };
  };
  join(out, nodes.far);
  join(back, nodes.near);
  return nodes;
}
