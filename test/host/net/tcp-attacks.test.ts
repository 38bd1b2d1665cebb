/** What peers can do that wish us ill: memory stays within its budget, and other connections go on working. */
import { expect, test } from "vitest";
import { IpAddress } from "../../../host/net/address.ts";
import type { Connection } from "../../../host/net/tcp/connection.ts";
import type { TcpStream } from "../../../host/net/tcp/face.ts";
import { exchange, FAR, NEAR, Pair, PORT, pattern } from "../../net/pair.ts";
import { decodeSegment, encodeSegment, FLAGS, type Segment, type SegmentOptions } from "../../net/script/segment.ts";

const OWN = IpAddress.parse(FAR[4])!.toBytes();
const BUDGET = 4 << 20;

interface Crafted extends Partial<Omit<Segment, "options">> {
  readonly from?: string;
  readonly options?: SegmentOptions;
}

/** A segment to the far stack, from wherever the attacker says. */
function inject(pair: Pair, { from = NEAR[4], ...fields }: Crafted): void {
  const segment: Segment = {
    sourcePort: 1,
    destinationPort: PORT,
    sequence: 1000,
    acknowledgement: 0,
    flags: FLAGS.A,
    window: 65_535,
    urgent: 0,
    options: {},
    payload: new Uint8Array(0),
    trafficClass: 0,
    hopLimit: 64,
    ...fields,
  };
  pair.far.receive(encodeSegment(segment, IpAddress.parse(from)!.toBytes(), OWN));
}

/** The last thing that the far stack sent to the attacker. */
function answers(pair: Pair): Segment[] {
  const seen: Segment[] = [];
  const send = pair.back.send.bind(pair.back);
  pair.back.send = (packet) => {
    const segment = decodeSegment(packet);
    if (segment !== undefined) seen.push(segment);
    send(packet);
  };
  return seen;
}

/** A connection that somebody else makes passes bytes both ways. */
function worksForOthers(pair: Pair, accept: () => TcpStream | undefined): void {
  const stream = pair.connect();
  const near = exchange(stream, 50_000, { salt: 0 });
  let far: ReturnType<typeof exchange> | undefined;
  const limit = pair.clock.now + 60_000;
  pair.clock.runWhile(() => {
    const accepted = far === undefined ? accept() : undefined;
    if (accepted !== undefined && accepted.remotePort === stream.localPort)
      far = exchange(accepted, 50_000, { salt: 1 });
    return !(near.closed && far?.closed);
  }, limit);
  expect([near.failure, far?.failure]).toEqual([undefined, undefined]);
  expect([near.reader.read, far?.reader.read]).toEqual([50_000, 50_000]);
}

/** A connection that the attacker makes by hand. @returns numbers for its next segment */
function makeConnection(pair: Pair, sent: Segment[], port: number, options: SegmentOptions = {}, window = 65_535) {
  inject(pair, { sourcePort: port, flags: FLAGS.S, options, window });
  const answer = sent.findLast((each) => each.destinationPort === port && (each.flags & FLAGS.S) !== 0);
  if (answer === undefined) throw new Error("the SYN was not answered");
  const acknowledgement = (answer.sequence + 1) >>> 0;
  inject(pair, { sourcePort: port, sequence: 1001, acknowledgement, window });
  return { sourcePort: port, sequence: 1001, acknowledgement };
}

test("a flood of SYNs takes no more memory than its records, and others still connect by cookies", () => {
  const pair = new Pair({ budgetBytes: BUDGET });
  const server = pair.listen({ backlog: 64 });
  for (let i = 0; i < 20_000; i++) {
    inject(pair, { from: `10.1.${i >> 8}.${i & 255}`, sourcePort: 1 + (i % 60_000), sequence: i, flags: FLAGS.S });
  }
  expect(pair.far.stack.budget.taken).toBeLessThanOrEqual(64 * 512);
  expect(pair.far.stack.tcp.table.size).toBe(64);
  expect(pair.far.stack.counters.read("tcpCookiesSent")).toBe(20_000 - 64);
  worksForOthers(pair, () => server.accept());
  pair.clock.runUntil(pair.clock.now + 300_000);
  expect(pair.far.stack.budget.taken).toBe(0);
});

test("guessed cookies make no connection", () => {
  const pair = new Pair();
  pair.listen({ backlog: 1 });
  for (let i = 0; i < 3; i++) inject(pair, { sourcePort: 10 + i, flags: FLAGS.S });
  for (let i = 0; i < 5000; i++) inject(pair, { sourcePort: 20, sequence: 7, acknowledgement: (i * 858_993) >>> 0 });
  expect([...pair.far.stack.tcp.connections()]).toEqual([]);
  expect(pair.far.stack.counters.read("tcpCookie")).toBe(5000);
});

test("windows that stay closed hold their share of memory for a minute at most once it is short", () => {
  const pair = new Pair({ budgetBytes: BUDGET });
  const sent = answers(pair);
  const server = pair.listen();
  for (let i = 0; i < 60; i++) makeConnection(pair, sent, 100 + i, {}, 0);
  pair.clock.runUntil(pair.clock.now + 10);
  const held: TcpStream[] = [];
  for (let c = server.accept(); c !== undefined; c = server.accept()) held.push(c);
  expect(held).toHaveLength(60);
  for (const c of held) while (c.write(pattern(0, 100_000), "given") > 0);
  expect(pair.far.stack.budget.taken).toBeGreaterThan(BUDGET / 2);
  expect(pair.far.stack.budget.taken).toBeLessThan(BUDGET);
  worksForOthers(pair, () => server.accept());
  pair.clock.runUntil(pair.clock.now + 600_000);
  expect(pair.far.stack.budget.pressure).toBeLessThanOrEqual(0.5);
});

test("single bytes out of order cost what is allowed, and no more", { timeout: 120_000 }, () => {
  const pair = new Pair({ budgetBytes: BUDGET });
  const sent = answers(pair);
  const server = pair.listen();
  for (let port = 100; port < 120; port++) {
    const next = makeConnection(pair, sent, port, { windowScale: 8, sackPermitted: true });
    for (let i = 0; i < 3000; i++) inject(pair, { ...next, sequence: 1003 + 2 * i, payload: pattern(2 + 2 * i, 1) });
  }
  expect(pair.far.stack.budget.taken).toBeLessThan(BUDGET);
  expect(pair.far.stack.counters.read("tcpMemory")).toBeGreaterThan(0);
  worksForOthers(pair, () => server.accept());
});

test("a peer that leaves a rest of our window each time does not keep it open", () => {
  // The true owner of the address would reset what it did not ask for.
  const pair = new Pair({ budgetBytes: BUDGET, back: { loss: 1 } });
  const sent = answers(pair);
  const server = pair.listen();
  const next = makeConnection(pair, sent, 100, { windowScale: 8 });
  let at = 0;
  for (let i = 0; i < 4000; i++) {
    inject(pair, { ...next, sequence: 1001 + at, payload: pattern(at, 250) });
    const acknowledged = sent.at(-1)!.acknowledgement - 1001;
    if (acknowledged > at) at = acknowledged;
    pair.clock.runUntil(pair.clock.now + 1);
  }
  expect(server.accept()!.readableBytes).toBeLessThan((128 << 10) + 512);
  pair.back.change({ loss: 0 });
  worksForOthers(pair, () => server.accept());
});

test("tiny segments in order are gathered", () => {
  const pair = new Pair();
  const sent = answers(pair);
  pair.listen();
  const next = makeConnection(pair, sent, 100);
  for (let i = 0; i < 10_000; i++) inject(pair, { ...next, sequence: 1001 + i, payload: pattern(i, 1) });
  const [connection] = pair.far.stack.tcp.connections();
  expect(connection?.readableBytes).toBe(10_000);
  expect(pair.far.stack.budget.taken).toBeLessThan(20_000);
});

test("acknowledgements of what was never sent change nothing", () => {
  const pair = new Pair();
  const sent = answers(pair);
  const server = pair.listen();
  const next = makeConnection(pair, sent, 100);
  const connection = server.accept()!;
  connection.write(pattern(0, 5000), "given");
  pair.clock.runUntil(pair.clock.now + 1);
  const before = connection.statistics();
  for (let i = 1; i < 1000; i++) {
    inject(pair, { ...next, acknowledgement: (next.acknowledgement + 5000 + i) >>> 0 });
  }
  const after = connection.statistics();
  expect(after.bytesOut).toBe(0);
  expect(after.congestionWindow).toBe(before.congestionWindow);
  expect(pair.far.stack.counters.read("tcpAcknowledgement")).toBe(999);
  expect(pair.far.stack.counters.read("tcpChallengeAcks")).toBeLessThanOrEqual(2);
});

test("challenges are no more than a thousand in a second, of all connections together", () => {
  const pair = new Pair({ back: { loss: 1 } });
  const sent = answers(pair);
  pair.listen({ backlog: 2000 });
  const peers = Array.from({ length: 600 }, (_, i) => makeConnection(pair, sent, 100 + i));
  for (let round = 0; round < 3; round++) {
    for (const next of peers) inject(pair, { ...next, sequence: 5000, flags: FLAGS.R });
  }
  expect(pair.far.stack.counters.read("tcpChallengeAcks")).toBe(1000);
  expect([...pair.far.stack.tcp.connections()]).toHaveLength(600);
});

test("a peer that reports single bytes does not make us remember each", () => {
  const pair = new Pair();
  const sent = answers(pair);
  const server = pair.listen();
  const next = makeConnection(pair, sent, 100, { sackPermitted: true });
  const connection = server.accept() as Connection;
  connection.write(pattern(0, 60_000), "given");
  pair.clock.runUntil(pair.clock.now + 1);
  const inFlight = connection.scoreboard.bytes;
  for (let at = 1; at + 2 < inFlight; at += 2) {
    const start = (next.acknowledgement + at) >>> 0;
    inject(pair, { ...next, options: { sack: [[start, (start + 1) >>> 0]] } });
  }
  expect(inFlight).toBeGreaterThan(2000);
  expect(connection.scoreboard.runs).toBeLessThan(65 + (2 * inFlight) / connection.segment + 2);
});

test("a reset frees the place of a connection that waits", () => {
  const pair = new Pair();
  const sent = answers(pair);
  const server = pair.listen({ backlog: 1 });
  const next = makeConnection(pair, sent, 100);
  inject(pair, { sourcePort: 101, flags: FLAGS.S });
  expect(sent.some((each) => each.destinationPort === 101)).toBe(false);
  inject(pair, { ...next, flags: FLAGS.R });
  makeConnection(pair, sent, 102);
  pair.clock.runUntil(pair.clock.now + 1);
  expect(server.accept()?.remotePort).toBe(102);
});

test("segments of the smallest size are not made, whatever the peer asks for", () => {
  const pair = new Pair();
  const sent = answers(pair);
  const server = pair.listen();
  makeConnection(pair, sent, 100, { mss: 1 });
  server.accept()!.write(pattern(0, 5000), "given");
  pair.clock.runUntil(pair.clock.now + 5);
  const data = sent.filter((each) => each.payload.length > 0);
  expect(Math.max(...data.map((each) => each.payload.length))).toBe(88);
});

test("a thousand peers that send a byte now and then keep nobody else waiting, and take little", () => {
  const pair = new Pair({ budgetBytes: BUDGET });
  const sent = answers(pair);
  const server = pair.listen({ backlog: 2000 });
  const peers = Array.from({ length: 1000 }, (_, i) => makeConnection(pair, sent, 100 + i));
  for (let round = 0; round < 5; round++) {
    for (const next of peers) inject(pair, { ...next, sequence: 1001 + round, payload: pattern(round, 1) });
    pair.clock.runUntil(pair.clock.now + 10_000);
  }
  expect(pair.far.stack.budget.taken).toBeLessThan(BUDGET);
  worksForOthers(pair, () => server.accept());
});

test("connections that we ended first are remembered as far as there is memory, and keep none from others", () => {
  const pair = new Pair({ budgetBytes: BUDGET });
  const sent = answers(pair);
  const server = pair.listen({ backlog: 2000 });
  for (let port = 100; port < 5100; port++) {
    const { acknowledgement } = makeConnection(pair, sent, port);
    const connection = server.accept()!;
    connection.shutdown();
    pair.clock.runUntil(pair.clock.now + 1);
    const sequence = 1001;
    const finAcknowledged = (acknowledgement + 1) >>> 0;
    inject(pair, { sourcePort: port, sequence, acknowledgement: finAcknowledged, flags: FLAGS.A | FLAGS.F });
    expect(connection.state).toBe("TIME-WAIT");
    sent.length = 0;
  }
  expect(pair.far.stack.budget.taken).toBeGreaterThan(BUDGET / 8);
  expect(pair.far.stack.budget.taken).toBeLessThanOrEqual(BUDGET / 4);
  worksForOthers(pair, () => server.accept());
  pair.clock.runUntil(pair.clock.now + 120_000);
  expect([pair.far.stack.budget.taken, pair.far.stack.tcp.table.size]).toEqual([0, 0]);
});

test("ten thousand idle connections set no timer", { timeout: 120_000 }, () => {
  const pair = new Pair({ there: { delayMs: 1 } });
  const server = pair.listen({ backlog: 20_000 });
  for (let i = 0; i < 10_000; i++) pair.connect({ localPort: 10_000 + i });
  pair.clock.runUntil(pair.clock.now + 5000);
  let accepted = 0;
  while (server.accept() !== undefined) accepted += 1;
  expect(accepted).toBe(10_000);
  expect(pair.clock.next).toBe(Number.POSITIVE_INFINITY);
  expect([pair.near.stack.nextDeadline(), pair.far.stack.nextDeadline()]).toEqual([Infinity, Infinity]);
});
