/** Two stacks and a link: connections are made, carry bytes in order, and end, whatever the link does. */
import { expect, test } from "vitest";
import type { TcpHandler, TcpStream } from "../../../host/net/tcp/face.ts";
import { exchange, Pair } from "../../net/pair.ts";

test.each([4, 6] as const)("IPv%i: both ends send, end, and keep nothing", (family) => {
  const pair = new Pair({ there: { delayMs: 5, megabitsPerSecond: 100, queueBytes: 100_000 } });
  const [near, far] = pair.connected({}, family);
  const sends = exchange(near, 300_000, { salt: 0 });
  const answers = exchange(far, 200_000, { salt: 1 });
  pair.clock.runWhile(() => !(sends.closed && answers.closed), 60_000);
  expect([sends.failure, answers.failure]).toEqual([undefined, undefined]);
  expect([answers.reader.read, sends.reader.read]).toEqual([300_000, 200_000]);
  pair.clock.runUntil(pair.clock.now + 130_000);
  expect([...pair.near.stack.tcp.connections(), ...pair.far.stack.tcp.connections()]).toEqual([]);
  expect([pair.near.stack.tcp.table.size, pair.far.stack.tcp.table.size]).toEqual([0, 0]);
  expect([pair.near.stack.budget.taken, pair.far.stack.budget.taken]).toEqual([0, 0]);
});

test("a connection after a long silence has all of its time to be made", () => {
  const pair = new Pair({ there: { delayMs: 5 } });
  pair.listen();
  pair.clock.runUntil(pair.clock.now + 600_000);
  const stream = pair.connect({ timeoutMs: 1000 });
  pair.clock.runUntil(pair.clock.now + 100);
  expect(stream.state).toBe("ESTABLISHED");
});

test("patience ends while the sink is full, too", () => {
  const pair = new Pair({ there: { delayMs: 5 } });
  const [near] = pair.connected();
  pair.near.congested(true);
  near.write(new Uint8Array(1000), "lent");
  pair.clock.runUntil(pair.clock.now + 1);
  let failure: string | undefined;
  const stream = pair.connect({ timeoutMs: 1000, remotePort: 9, handler: { closed: (why) => (failure = why) } });
  pair.clock.runUntil(pair.clock.now + 1500);
  expect([stream.state, failure]).toEqual(["CLOSED", "ETIMEDOUT"]);
});

test("a handler that throws keeps no other from being told", () => {
  const pair = new Pair();
  const accepted: TcpStream[] = [];
  const accept = (): void => {
    for (let stream = server.accept(); stream !== undefined; stream = server.accept()) accepted.push(stream);
  };
  const server = pair.listen({ acceptable: accept });
  const streams = [pair.connect(), pair.connect()];
  pair.clock.runWhile(() => accepted.length < 2, 60_000);
  for (const stream of accepted) stream.write(Uint8Array.of(1), "lent");
  pair.clock.runUntil(pair.clock.now + 1000);
  const told: TcpHandler[] = [];
  const handlers = streams.map((stream): TcpHandler => {
    stream.handler = {
      readable() {
        told.push(this);
        throw new Error("of the user");
      },
    };
    return stream.handler;
  });
  expect(() => pair.near.stack.turn(pair.clock.now)).toThrow("of the user");
  expect(told.map((handler) => handlers.indexOf(handler))).toEqual([0, 1]);
});
