// Clients of the configuration socket, while the system has no descriptor left for them.
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadCore } from "../../../../host/core/load.ts";
import type { Engine } from "../../../../host/device/engine.ts";
import { EMFILE } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { Epoll } from "../../../../host/io/linux/epoll.ts";
import type { TunnelSockets } from "../../../../host/io/linux/tunnel-sockets.ts";
import { UapiServer } from "../../../../host/io/linux/uapi-server.ts";
import { listenUnix, type UnixListener } from "../../../../host/io/linux/unix-socket.ts";

const LISTENER = 1;
const FIRST_CLIENT = 16;

let directory: string;
let libc: Libc;
let epoll: Epoll;
let listener: UnixListener;
let server: UapiServer;
let log: string[];
let clients: Socket[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasmguard-io-"));
  const core = await loadCore({ maxPeers: 2, maxAllowedIps: 2 });
  libc = await openLibc(core.memory);
  epoll = new Epoll(libc, core.at.ioControl, 8);
  listener = listenUnix(libc, join(directory, "wg0.sock"));
  [log, clients] = [[], []];
  const engine = { peers: () => [], privateKey: () => undefined } as unknown as Engine;
  server = new UapiServer({
    core,
    libc,
    engine,
    sockets: { port: 0, mark: 0 } as TunnelSockets,
    epoll,
    listener,
    listenerToken: LISTENER,
    firstToken: FIRST_CLIENT,
    statistics: () => [],
    log: (_level, message) => log.push(message),
  });
});
afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
  listener.close();
  epoll.close();
  rmSync(directory, { recursive: true });
});

/** A client that has asked when this resolves. */
async function ask(): Promise<{ answer: Promise<string> }> {
  const client = connect(listener.path!);
  clients.push(client);
  await new Promise((resolve) => client.write("get=1\n\n", resolve));
  return { answer: new Promise((resolve) => client.once("data", (data) => resolve(data.toString()))) };
}

/** One turn of the driver. @returns how many descriptors were ready */
function turn(): number {
  const ready = epoll.wait(0);
  for (let i = 0; i < ready; i++) {
    if (epoll.token(i) === LISTENER) server.accept();
    else server.serve(epoll.token(i) - FIRST_CLIENT, epoll.events(i));
  }
  return ready;
}

/** @returns what gives descriptors again */
function takeAwayDescriptors(): () => void {
  const { accept4 } = libc;
  libc.accept4 = () => -EMFILE;
  return () => {
    libc.accept4 = accept4;
  };
}

test("clients wait without a descriptor, at no cost, and are served when there is one", async () => {
  const give = takeAwayDescriptors();
  const { answer } = await ask();
  expect([turn(), turn(), turn()]).toEqual([1, 0, 0]);
  server.retry();
  expect(turn()).toBe(0);
  expect(log).toEqual([expect.stringMatching(/UAPI clients must wait: accept .*wg0\.sock: EMFILE/)]);
  give();
  server.retry();
  expect(await answer).toMatch(/errno=0\n\n$/);
});

test("a client that leaves makes room for the one that waits", async () => {
  const first = await ask();
  turn();
  await first.answer;
  const give = takeAwayDescriptors();
  const second = await ask();
  turn();
  give();
  expect(turn()).toBe(0);
  clients[0]!.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(turn()).toBe(1);
  expect(turn()).toBe(1);
  expect(await second.answer).toMatch(/errno=0\n\n$/);
});
