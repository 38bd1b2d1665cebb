// Clients of the configuration socket, while there is no place or no descriptor left for them.
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NUMERIC_ZONES } from "../../../../host/address/endpoint-text.ts";
import { loadCore } from "../../../../host/core/load.ts";
import type { Engine } from "../../../../host/engine/engine.ts";
import { EMFILE } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { Epoll } from "../../../../host/os/linux/epoll.ts";
import { listenUnix } from "../../../../host/os/linux/unix-socket.ts";
import type { TunnelSockets } from "../../../../host/os/tunnel-sockets.ts";
import { UapiServer } from "../../../../host/os/uapi-server.ts";
import type { UnixListener } from "../../../../host/os/unix-socket.ts";

const LISTENER = 1;
const FIRST_CLIENT = 16;

let directory: string;
let libc: Libc;
let epoll: Epoll;
let listener: UnixListener;
let server: UapiServer;
let log: string[];
let clients: Socket[];
let now: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasmguard-io-"));
  const core = await loadCore({ maxPeers: 2, maxAllowedIps: 2 }, "shared");
  libc = await openLibc(core.memory);
  epoll = new Epoll(libc, core.at.ioControl, 8);
  listener = listenUnix(libc, join(directory, "wg0.sock"));
  [log, clients, now] = [[], [], 1000];
  const engine = { peers: () => [], privateKey: () => undefined } as unknown as Engine;
  server = new UapiServer({
    core,
    engine,
    sockets: { port: 0, mark: 0 } as TunnelSockets,
    waits: epoll,
    listener,
    zones: NUMERIC_ZONES,
    listenerToken: LISTENER,
    firstToken: FIRST_CLIENT,
    statistics: () => [],
    log: (_level, message) => log.push(message),
    now: () => now,
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

const PLACES = 8;

/** A client that has sent this, which is no request yet, when this resolves. */
async function linger(text: string): Promise<Socket> {
  const client = connect(listener.path!);
  clients.push(client);
  client.on("error", () => {});
  client.resume();
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  if (text !== "") await new Promise((resolve) => client.write(text, resolve));
  return client;
}

/** Takes all places, first come first. */
async function fillPlaces(text: string): Promise<Socket[]> {
  const taken: Socket[] = [];
  for (let i = 0; i < PLACES; i++) {
    taken.push(await linger(text));
    turn();
    now += 1;
  }
  return taken;
}

const closed = (client: Socket): Promise<void> => new Promise((resolve) => client.once("close", () => resolve()));

test.each(["", "get=1\n", "set=1\nlisten_port=12", "get=1\n\nget=1\n"])(
  "the client that has been idle for the longest time makes room for one that waits, having sent %j",
  async (text) => {
    const [first] = await fillPlaces(text);
    const gone = closed(first!);
    const { answer } = await ask();
    now += 30;
    turn();
    expect(await answer).toMatch(/errno=0\n\n$/);
    await gone;
    expect(clients.slice(1, PLACES).every((client) => !client.destroyed)).toBe(true);
  },
);

test("nobody is dropped for being idle while no one waits", async () => {
  await fillPlaces("get=1\n");
  now += 60_000;
  expect(turn()).toBe(0);
  expect(server.retryAt).toBe(Number.POSITIVE_INFINITY);
  expect(log).toEqual([]);
});

test("a client has the time to write what it connected for, and those who wait are looked after in that time", async () => {
  await fillPlaces("");
  const { answer } = await ask();
  turn();
  expect(log).toEqual([]);
  expect(turn()).toBe(0);
  expect(server.retryAt).toBeGreaterThan(now);
  now = server.retryAt;
  server.retry();
  expect(await answer).toMatch(/errno=0\n\n$/);
});

test("clients that write a byte now and then do not keep their places for ever", async () => {
  const slow = await fillPlaces("set=1\n");
  const { answer } = await ask();
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  const start = now;
  while (!answered && now < start + 10_000) {
    for (const client of slow) client.write("l");
    await new Promise((resolve) => setTimeout(resolve, 1));
    now += 10;
    turn();
    if (now >= server.retryAt) server.retry();
  }
  expect(answered).toBe(true);
  expect(now - start).toBeGreaterThan(1_500);
});

test("five hundred clients that say nothing keep nobody from an answer", async () => {
  const silent = Array.from({ length: 500 }, () => linger("get=1\n"));
  const { answer } = await ask();
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  for (let i = 0; i < 1000 && !answered; i++) {
    turn();
    now += 25;
    if (now >= server.retryAt) server.retry();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(answered).toBe(true);
  await Promise.all(silent);
});

test("a client without a descriptor gets that of an idle one", async () => {
  const idle = await linger("get=1\n");
  turn();
  const give = takeAwayDescriptors();
  const { close } = libc;
  libc.close = (fd) => {
    give();
    libc.close = close;
    return libc.close(fd);
  };
  const gone = closed(idle);
  now += 30;
  const { answer } = await ask();
  turn();
  expect(await answer).toMatch(/errno=0\n\n$/);
  await gone;
});
