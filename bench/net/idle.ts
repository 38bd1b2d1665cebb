/** Memory of connections that are made and idle, and of half-open ones: the growth of the heap and of arrays outside of it, in bytes each. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { IpAddress } from "../../host/net/address.ts";
import { VirtualClock } from "../../test/net/clock.ts";
import { Host } from "../../test/net/host.ts";
import { Pair, PORT } from "../../test/net/pair.ts";
import { encodeSegment, FLAGS } from "../../test/net/script/segment.ts";
import { Random } from "../../test/simulation/random.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function memory(): number {
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

export interface Idle {
  /** Of one end of a connection over which some bytes went both ways. */
  readonly bytes: number;
  /** How often something was to be done for any of them. */
  readonly turns: number;
}

/** @param seconds of the virtual clock in which nothing is sent */
export function idleConnections(count: number, seconds: number): Idle {
  const pair = new Pair({ there: { delayMs: 1 } });
  const accepted: unknown[] = [];
  const server = pair.listen({ backlog: 2 * count });
  const before = memory();
  for (let i = 0; i < count; i++) pair.connect({ localPort: 10_000 + i }).write(new Uint8Array(100), "lent");
  pair.clock.runUntil(pair.clock.now + 10_000);
  for (let c = server.accept(); c !== undefined; c = server.accept()) {
    while (c.read() !== undefined);
    c.write(new Uint8Array(100), "lent");
    accepted.push(c);
  }
  for (const each of pair.near.stack.tcp.connections()) while (each.read() !== undefined);
  pair.clock.runUntil(pair.clock.now + 10_000);
  for (const each of pair.near.stack.tcp.connections()) while (each.read() !== undefined);
  if (accepted.length !== count) throw new Error(`${accepted.length} of ${count} connections were made`);
  const bytes = (memory() - before) / (2 * count);
  const end = pair.clock.now + 1000 * seconds;
  let turns = 0;
  for (; pair.clock.next <= end; turns++) pair.clock.runUntil(pair.clock.next);
  return { bytes, turns };
}

export function halfOpenBytes(count: number): number {
  const clock = new VirtualClock();
  const host = new Host(clock, new Random(1), { addresses: ["10.0.0.2"], mtu: 1420, send: () => {} });
  const server = host.stack.tcp.listen({ port: PORT, backlog: 2 * count });
  const own = IpAddress.parse("10.0.0.2")!.toBytes();
  const peer = IpAddress.parse("10.0.0.1")!.toBytes();
  const fields = { destinationPort: PORT, sequence: 1, acknowledgement: 0, flags: FLAGS.S, window: 65_535, urgent: 0 };
  const options = { mss: 1380, windowScale: 7, sackPermitted: true, timestamps: [1, 0] as [number, number] };
  const rest = { options, payload: new Uint8Array(0), trafficClass: 0, hopLimit: 64 };
  const before = memory();
  for (let i = 0; i < count; i++) {
    host.receive(encodeSegment({ sourcePort: 1 + i, ...fields, ...rest }, peer, own));
  }
  const bytes = (memory() - before) / count;
  if (typeof server === "string" || host.stack.tcp.table.size !== count) throw new Error("not all are half-open");
  return bytes;
}
