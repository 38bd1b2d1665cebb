/** A stack talks to itself by its own addresses, and nothing of that is seen outside. */
import { expect, test } from "vitest";
import { IpAddress } from "../../../../host/net/address.ts";
import { exchange, FAR, NEAR, Pair, PORT } from "../../../net/pair.ts";
import { encodeSegment, FLAGS } from "../../../net/script/segment.ts";

test.each([4, 6] as const)("IPv%i: a connection to an own address carries bytes both ways", (family) => {
  const pair = new Pair();
  const own = IpAddress.parse(FAR[family])!;
  const server = pair.listen();
  const stream = pair.far.stack.tcp.connect({ remote: own, remotePort: PORT });
  if (typeof stream === "string") throw new Error(stream);
  const there = exchange(stream, 2_000_000, { salt: 0 });
  pair.clock.runUntil(pair.clock.now + 1);
  const accepted = server.accept()!;
  const back = exchange(accepted, 1_000_000, { salt: 1 });
  pair.clock.runWhile(() => !(there.closed && back.closed), pair.clock.now + 60_000);
  expect([back.reader.read, there.reader.read]).toEqual([2_000_000, 1_000_000]);
  expect([there.failure, back.failure]).toEqual([undefined, undefined]);
  expect([pair.back.sent, pair.there.sent]).toEqual([0, 0]);
  pair.clock.runUntil(pair.clock.now + 120_000);
  expect([pair.far.stack.budget.taken, pair.far.stack.tcp.table.size]).toEqual([0, 0]);
});

test("an own port where nobody listens refuses", () => {
  const pair = new Pair();
  let failure: string | undefined;
  const remote = IpAddress.parse(NEAR[4])!;
  const handler = { closed: (reason: string | undefined) => (failure = reason) };
  pair.near.stack.tcp.connect({ remote, remotePort: 1, handler });
  pair.clock.runUntil(pair.clock.now + 10);
  expect(failure).toBe("ECONNREFUSED");
  expect(pair.there.sent).toBe(0);
});

test("datagrams to an own address arrive whole, the largest too", () => {
  const pair = new Pair();
  const { udp } = pair.near.stack;
  const receiver = udp.open({ localPort: 53, receiveBytes: 1 << 20 });
  const sender = udp.open();
  if (typeof receiver === "string" || typeof sender === "string") throw new Error("no socket");
  for (const family of [4, 6] as const) {
    const remote = IpAddress.parse(NEAR[family])!;
    for (const length of [0, 1000, 40_000, 65_487]) {
      expect(sender.send(new Uint8Array(length).fill(7), remote, 53)).toBeUndefined();
      pair.clock.runUntil(pair.clock.now + 1);
      const datagram = receiver.receive();
      expect([datagram?.bytes.length, datagram?.from.equals(remote)], `${length} bytes, IPv${family}`).toEqual([
        length,
        true,
      ]);
    }
  }
  expect(pair.there.sent).toBe(0);
});

test("what comes from outside with an address of ours is dropped all the same", () => {
  const pair = new Pair();
  const own = IpAddress.parse(FAR[4])!.toBytes();
  pair.listen();
  const syn = {
    sourcePort: 1,
    destinationPort: PORT,
    sequence: 1,
    acknowledgement: 0,
    flags: FLAGS.S,
    window: 1000,
    urgent: 0,
    options: {},
    payload: new Uint8Array(0),
    trafficClass: 0,
    hopLimit: 64,
  };
  pair.far.receive(encodeSegment(syn, own, own));
  pair.clock.runUntil(pair.clock.now + 1);
  expect(pair.far.stack.counters.read("ipAddress")).toBe(1);
  expect(pair.far.stack.tcp.table.size).toBe(0);
});

test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])(
  "nothing leaves for %s, which is this machine's own name",
  (text) => {
    const pair = new Pair();
    const { tcp, udp, icmp } = pair.near.stack;
    const remote = IpAddress.parse(text)!;
    const local = IpAddress.parse(NEAR[remote.family])!;
    expect(tcp.connect({ remote, remotePort: PORT })).toBe("ENETUNREACH");
    expect(tcp.connect({ remote, remotePort: PORT, local })).toBe("ENETUNREACH");
    for (const options of [{}, { local }]) {
      const socket = udp.open(options);
      if (typeof socket === "string") throw new Error(socket);
      expect(socket.send(Uint8Array.of(1), remote, PORT)).toBe("EHOSTUNREACH");
      expect(socket.connect(remote, PORT)).toBe("EHOSTUNREACH");
    }
    for (const options of [{}, { local }]) {
      expect(icmp.echo.open({ remote, handler: {} as never, ...options })).toBe("EHOSTUNREACH");
    }
    pair.clock.runUntil(pair.clock.now + 10_000);
    expect(pair.there.sent).toBe(0);
  },
);
