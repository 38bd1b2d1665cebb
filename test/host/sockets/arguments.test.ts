/** Arguments of another type: refused with net's and dgram's code before anything is tried, and nothing is left that the network has to end. */
import { expect, it } from "vitest";
import { TunnelDatagramSocket } from "../../../host/sockets/datagram.ts";
import { TunnelServer } from "../../../host/sockets/server.ts";
import { TunnelSocket } from "../../../host/sockets/socket.ts";
import { type Node, pair } from "./support/pair.ts";

const WRONG = 5 as never;

const CALLS: Record<string, (node: Node) => unknown> = {
  "the signal of a connection": (node) => new TunnelSocket(node, { signal: WRONG }),
  "the signal of `connect`": (node) => new TunnelSocket(node).connect({ host: "10.0.0.2", port: 9, signal: WRONG }),
  "a signal that nobody stops listening to": (node) =>
    new TunnelSocket(node, { signal: { addEventListener() {} } as never }),
  "the host of `connect`": (node) => new TunnelSocket(node).connect({ host: WRONG, port: 9 }),
  "the signal of `listen`": (node) => new TunnelServer(node).listen({ port: 0, signal: WRONG }),
  "the host of `listen`": (node) => new TunnelServer(node).listen({ port: 0, host: WRONG }),
  "a callback for a number of connections": (node) => new TunnelServer(node).getConnections(WRONG),
  "the signal of a datagram socket": (node) => new TunnelDatagramSocket(node, { signal: WRONG }),
  "a signal that is null": (node) => new TunnelDatagramSocket(node, { signal: null as never }),
};

it.each(Object.entries(CALLS))("%s", (_what, call) => {
  const { near } = pair();
  expect(() => call(near)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }));
  expect([...near.open]).toEqual([]);
});

it.each([[undefined], [null], [5], [{}], [["a", null]]])("a datagram that is %j, or an address for `bind`", (given) => {
  const socket = new TunnelDatagramSocket(pair().near);
  const refused = expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" });
  expect(() => socket.send(given as never, 9, "10.0.0.2")).toThrow(refused);
  if (given != null) expect(() => socket.bind({ address: given as never })).toThrow(refused);
  socket.close();
});

it("listens at all addresses for null", () => {
  const server = new TunnelServer(pair().near).listen({ port: 0, host: null as never });
  expect(server.address()).toMatchObject({ address: "::" });
  server.close();
});
