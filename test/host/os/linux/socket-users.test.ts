import { createSocket } from "node:dgram";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { socketUsers } from "../../../../host/os/linux/socket-users.ts";

const runs = process.platform === "linux" ? it : it.skip;
const me = process.getuid!();

async function connection(listen: string, host: string): Promise<{ near: Socket; far: Socket }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, listen, done));
  onTestFinished(() => void server.close());
  const accepted = new Promise<Socket>((done) => server.once("connection", done));
  const near = connect((server.address() as AddressInfo).port, host);
  const far = await accepted;
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  await new Promise<void>((done) => (near.connecting ? near.once("connect", done) : done()));
  return { near, far };
}

runs.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.2"],
])("knows whose a connection is, listening on %s and asked for at %s", async (listen, host) => {
  const { near, far } = await connection(listen, host);
  const from = { host: far.remoteAddress!, port: far.remotePort! };
  const to = { host: far.localAddress!, port: far.localPort! };
  expect(socketUsers("tcp", from, to)).toEqual([me]);
  expect(socketUsers("tcp", from, { ...to, port: to.port === 1 ? 2 : 1 })).toEqual([]);
  expect(socketUsers("udp", from, to)).toEqual([]);
  // Who has closed it has it no more, though it is still there.
  const paused = new Promise<void>((done) => far.once("end", done));
  far.allowHalfOpen = true;
  far.resume();
  near.destroy();
  await paused;
  expect(socketUsers("tcp", from, to)).toEqual([]);
});

runs("knows whose datagrams a port sends, connected or not, bound to an address or to none", async () => {
  const relay = { host: "127.0.0.1", port: 9 };
  for (const [type, address] of [
    ["udp4", "127.0.0.1"],
    ["udp4", "0.0.0.0"],
    ["udp6", "::"],
  ] as const) {
    const socket = createSocket(type);
    onTestFinished(() => void socket.close());
    await new Promise<void>((done) => socket.bind(0, address, done));
    const from = { host: "127.0.0.1", port: socket.address().port };
    expect(socketUsers("udp", from, relay), address).toEqual([me]);
    expect(socketUsers("udp", { ...from, port: from.port === 1 ? 2 : 1 }, relay)).toEqual([]);
    if (type === "udp6") continue;
    await new Promise<void>((done) => socket.connect(relay.port, relay.host, done as () => void));
    expect(socketUsers("udp", from, relay)).toEqual([me]);
    expect(socketUsers("udp", from, { ...relay, port: 10 })).toEqual([]);
  }
});
