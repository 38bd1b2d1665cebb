// Many clients of the control socket at once: who keeps a place, and who loses it to one that waits.
import { beforeEach, expect, test } from "vitest";
import { NUMERIC_ZONES } from "../../../host/address/endpoint-text.ts";
import type { Core } from "../../../host/core/core.ts";
import { loadCore } from "../../../host/core/load.ts";
import type { Engine } from "../../../host/engine/engine.ts";
import { EAGAIN } from "../../../host/ffi/errno.ts";
import { single } from "../../../host/metrics/statistics.ts";
import { FAILED, READABLE, WRITABLE } from "../../../host/os/readiness.ts";
import type { TunnelSockets } from "../../../host/os/tunnel-sockets.ts";
import { type ControlConnection, UapiServer } from "../../../host/os/uapi-server.ts";

const PLACES = 8;
/** What a socket holds that nobody reads: net.core.wmem_default. */
const SOCKET_BYTES = 212_992;
const ANSWER_BYTES = 1_000_000;
const LONG_LINE = single("a_number", "counter", "1".repeat(400), 1);
const ALL = "statistics=1\n\n";

/** A client that has sent `request`. */
class Client implements ControlConnection {
  readonly fd: number;
  readonly core: Core;
  request: string;
  answer = "";
  unread = 0;
  closed = false;

  constructor(core: Core, fd: number, request: string) {
    this.core = core;
    this.fd = fd;
    this.request = request;
  }

  read(address: number, capacity: number): number {
    if (this.request === "") return this.served ? 0 : -EAGAIN;
    const bytes = new TextEncoder().encode(this.request).subarray(0, capacity);
    this.request = "";
    new Uint8Array(this.core.memory.buffer).set(bytes, address);
    return bytes.length;
  }

  write(address: number, length: number): number {
    const taken = Math.min(length, SOCKET_BYTES - this.unread);
    if (taken === 0) return -EAGAIN;
    this.answer += new TextDecoder().decode(new Uint8Array(this.core.memory.buffer).slice(address, address + taken));
    this.unread += taken;
    return taken;
  }

  isReady(events: number): boolean {
    return events === WRITABLE ? this.unread < SOCKET_BYTES : this.request !== "" || this.served;
  }

  close(): void {
    this.closed = true;
  }

  get served(): boolean {
    return this.answer.endsWith("\nerrno=0\n\n");
  }
}

let core: Core;
let server: UapiServer;
let now: number;
let log: string[];
let backlog: Client[];
let clients: Client[];

beforeEach(async () => {
  core = await loadCore({ maxPeers: 2, maxAllowedIps: 2 });
  [now, log, backlog, clients] = [1000, [], [], []];
  server = new UapiServer({
    core,
    engine: {} as Engine,
    sockets: {} as TunnelSockets,
    waits: { add: () => {}, modify: () => {}, remove: () => {} },
    listener: { fd: 3, someoneWaits: () => backlog.length > 0, accept: () => backlog.shift() },
    zones: NUMERIC_ZONES,
    listenerToken: 1,
    firstToken: 16,
    statistics: () => new Array(ANSWER_BYTES / 400).fill(LONG_LINE),
    log: (_level, message) => log.push(message),
    now: () => now,
  });
});

/** One more that asks, while all places are taken from the ninth on. */
function connect(request: string): Client {
  const client = new Client(core, 10 + clients.length, request);
  clients.push(client);
  backlog.push(client);
  server.accept();
  return client;
}

function fillPlaces(): Client[] {
  return Array.from({ length: PLACES }, () => connect(ALL));
}

/** All read what came, then one turn of the driver after `pause` milliseconds; who waits is thought of first. */
function turn(pause: number): void {
  for (const client of clients) client.unread = 0;
  now += pause;
  if (backlog.length > 0 && server.retryAt === Number.POSITIVE_INFINITY) server.accept();
  if (now >= server.retryAt) server.retry();
  for (let place = 0; place < PLACES; place++) server.serve(place, WRITABLE);
}

/** As many turns as it takes, but no more than a second's worth. */
function serveAll(pause: number): void {
  for (let turns = 0; turns < 100 && !clients.every((client) => client.served); turns++) turn(pause);
}

test("who reads a long answer keeps its place while others wait, however seldom its turn comes", () => {
  fillPlaces();
  connect(ALL);
  serveAll(400);
  expect(log).toEqual([]);
  expect(clients.map((client) => client.served)).toEqual(new Array(PLACES + 1).fill(true));
});

test("an answer that is not read costs the place of who asked for it, but no sooner than a busy machine may let it read", () => {
  const [first] = fillPlaces();
  now += 100;
  const { closed } = connect(ALL);
  expect([first!.closed, closed]).toEqual([false, false]);
  expect(server.retryAt).toBeLessThan(now + 1000);
  now = server.retryAt;
  server.retry();
  expect(first!.closed).toBe(true);
  serveAll(1);
  expect(clients.slice(1).every((client) => client.served)).toBe(true);
});

test("a failure that was told of who had the place before does not end the client that has it now", () => {
  const client = connect("");
  server.serve(0, READABLE | FAILED);
  expect(client.closed).toBe(false);
  client.request = ALL;
  serveAll(1);
  expect(client.served).toBe(true);
});

test("a failure that is told again ends a client", () => {
  const client = connect("");
  server.serve(0, FAILED);
  server.serve(0, FAILED);
  expect(client.closed).toBe(true);
});
