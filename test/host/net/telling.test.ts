// Handlers that throw, and all others who have something to hear in the same turn.
import { expect, it } from "vitest";
import { IpAddress } from "../../../host/net/address.ts";
import { Resolver } from "../../../host/net/dns/resolver.ts";
import type { UdpSocket } from "../../../host/net/udp/socket.ts";
import { NEAR, Pair } from "../../net/pair.ts";

const OURS = IpAddress.parse(NEAR[4])!;

function fail(told: string[], name: string): never {
  told.push(name);
  throw new Error(`of ${name}`);
}

/** A stack, a turn of it, and a resolver on it that has nobody to ask. */
function setUp() {
  const { near, clock } = new Pair();
  const { stack } = near;
  return { stack, resolver: Resolver.on(stack, { servers: [] }), turn: () => stack.turn(clock.now) };
}

function opened(udp: ReturnType<typeof setUp>["stack"]["udp"]): UdpSocket {
  const socket = udp.open();
  if (typeof socket === "string") throw new Error(socket);
  return socket;
}

it("those of other sockets and transports are called, and the first error is thrown on", () => {
  const { stack, resolver, turn } = setUp();
  const sender = opened(stack.udp);
  const told: string[] = [];
  for (const name of ["one", "other"]) {
    const socket = opened(stack.udp);
    socket.handler = { readable: () => fail(told, name) };
    sender.send(Uint8Array.of(1), OURS, socket.localPort);
  }
  turn();
  resolver.resolve(NEAR[4], "A", () => fail(told, "answer"));
  resolver.resolve(NEAR[4], "A", () => fail(told, "next answer"));
  expect(turn).toThrow("of one");
  expect(told).toEqual(["one", "other", "answer", "next answer"]);
  expect(turn).not.toThrow();
});

it("those of one socket, too", () => {
  const { stack, turn } = setUp();
  const socket = opened(stack.udp);
  const told: string[] = [];
  socket.handler = { failed: () => fail(told, "refusal"), readable: () => fail(told, "datagram") };
  // Nobody has these ports.
  for (const port of [7, 9]) socket.send(Uint8Array.of(1), OURS, port);
  turn();
  // On its way when the refusals are.
  opened(stack.udp).send(Uint8Array.of(1), OURS, socket.localPort);
  turn();
  expect(turn).toThrow("of refusal");
  expect(told).toEqual(["refusal", "refusal", "datagram"]);
});

it("those of echo requests, too", () => {
  const { stack, turn } = setUp();
  const told: string[] = [];
  for (const name of ["one", "other"]) {
    const handler = { reply: () => fail(told, name), failed: () => {} };
    const socket = stack.icmp.echo.open({ remote: OURS, handler });
    if (typeof socket === "string") throw new Error(socket);
    for (let i = 0; i < 2; i++) socket.send(8);
  }
  turn();
  turn();
  expect(turn).toThrow("of one");
  expect(told).toEqual(["one", "one", "other", "other"]);
});

it("a network that ends while it tells does so with its own errors", () => {
  const { stack, resolver, turn } = setUp();
  const socket = opened(stack.udp);
  const told: string[] = [];
  socket.handler = { readable: () => fail(told, "datagram") };
  socket.send(Uint8Array.of(1), OURS, socket.localPort);
  turn();
  resolver.resolve(NEAR[4], "A", () => {
    expect(() => stack.close()).not.toThrow();
    told.push("closed");
  });
  expect(turn).toThrow("of datagram");
  expect(told).toEqual(["datagram", "closed"]);
});

it("a network that ends tells all who wait for an answer", () => {
  const { stack, resolver } = setUp();
  const told: string[] = [];
  resolver.resolve(NEAR[4], "A", () => {
    resolver.resolve(NEAR[4], "A", () => told.push("asked meanwhile"));
    fail(told, "answer");
  });
  resolver.resolve(NEAR[4], "A", () => told.push("next answer"));
  expect(() => stack.close()).toThrow("of answer");
  expect(told).toEqual(["answer", "next answer", "asked meanwhile"]);
});
