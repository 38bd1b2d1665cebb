import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import { pipeline } from "node:stream/promises";
import { runInNewContext } from "node:vm";
import { describe, expect, it, onTestFinished } from "vitest";
import { TunnelServer } from "../../../host/sockets/server.ts";
import { TunnelSocket } from "../../../host/sockets/socket.ts";
import { type Node, pair } from "./support/pair.ts";

async function listen(node: Node, onConnection: (socket: TunnelSocket) => void, options: object = {}): Promise<number> {
  const server = new TunnelServer(node, options, onConnection);
  server.listen(0);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server.address()!.port;
}

function connect(node: Node, host: string, port: number, options: object = {}): TunnelSocket {
  const socket = new TunnelSocket(node, options).connect({ host, port });
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Until `release` nobody is told of what comes. */
function hold({ stack }: Node): { release(): void } {
  stack.tell = () => {};
  return { release: () => void Reflect.deleteProperty(stack, "tell") };
}

/** All until the end. (`for await` would close the socket behind it.) */
function textOf(socket: TunnelSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.once("end", () => resolve(text));
    socket.once("error", reject);
  });
}

describe("a socket", () => {
  it("connects, talks and closes with the events of net.Socket, in their order", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => socket.end("hello"));
    const events: string[] = [];
    const socket = connect(near, far.address, port);
    expect(socket.connecting).toBe(true);
    expect(socket.readyState).toBe("opening");
    for (const event of ["connect", "ready", "end", "finish", "close"]) socket.on(event, () => events.push(event));
    socket.on("data", (chunk) => events.push(String(chunk)));
    await once(socket, "connect");
    expect(socket.readyState).toBe("open");
    expect(socket.remoteAddress).toBe(far.address);
    expect(socket.remotePort).toBe(port);
    expect(socket.remoteFamily).toBe("IPv4");
    expect(socket.address()).toMatchObject({ address: near.address, family: "IPv4" });
    await once(socket, "close");
    expect(events).toEqual(["connect", "ready", "hello", "end", "finish", "close"]);
    expect(socket.remoteAddress).toBe(far.address);
    expect(socket.bytesRead).toBe(5);
  });

  it("ends with what a listener throws, an error of another realm too", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => socket.resume());
    const thrown = runInNewContext("new TypeError('no')");
    const socket = connect(near, far.address, port);
    socket.once("connect", () => {
      throw thrown;
    });
    expect(await once(socket, "error").catch((error) => error)).toEqual([thrown]);
  });

  it("reads on after a listener that throws, to the end", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => socket.once("data", () => socket.end(Buffer.alloc(100_000))));
    const socket = connect(near, far.address, port);
    await once(socket, "connect");
    const told: string[] = [];
    let bytes = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes === chunk.length) throw new Error("of the first");
    });
    for (const event of ["end", "close"]) socket.on(event, () => told.push(event));
    const held = hold(near);
    socket.write("go");
    await expect.poll(() => socket.statistics()).toMatchObject({ state: "CLOSE-WAIT", receiveQueue: 100_000 });
    held.release();
    expect(() => near.stack.tell()).toThrow("of the first");
    await once(socket, "close");
    expect([bytes, told]).toEqual([100_000, ["end", "close"]]);
  });

  it("carries megabytes both ways at once, through back pressure", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => void pipeline(socket, socket).catch(() => {}), { allowHalfOpen: true });
    const socket = connect(near, far.address, port, { allowHalfOpen: true });
    const sent = randomBytes(3 << 20);
    const received = createHash("sha256");
    const writing = (async () => {
      for (let at = 0; at < sent.length; at += 100_000) {
        if (!socket.write(sent.subarray(at, at + 100_000))) await once(socket, "drain");
      }
      socket.end();
    })();
    let bytes = 0;
    for await (const chunk of socket) {
      bytes += chunk.length;
      received.update(chunk);
    }
    await writing;
    expect(bytes).toBe(sent.length);
    expect(received.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
    expect(socket.bytesWritten).toBe(sent.length);
  });

  it("keeps its side open after the other's end only if asked to", async () => {
    const { near, far } = pair();
    const port = await listen(far, async (socket) => socket.end(`got ${await textOf(socket)}`), {
      allowHalfOpen: true,
    });
    const half = connect(near, far.address, port);
    half.end("all");
    expect(await textOf(half)).toBe("got all");
    const ending = await listen(far, (socket) => socket.end());
    const whole = connect(near, far.address, ending);
    whole.resume();
    await once(whole, "close");
    expect(whole.writableFinished).toBe(true);
  });

  it("fails as the system's would: refused, unknown, reset, aborted", async () => {
    const { near, far } = pair();
    const refused = connect(near, far.address, 9);
    const [error] = await once(refused, "error");
    expect(error).toMatchObject({
      code: "ECONNREFUSED",
      errno: expect.any(Number),
      syscall: "connect",
      address: far.address,
      port: 9,
      message: `connect ECONNREFUSED ${far.address}:9`,
    });
    expect((await once(connect(near, "nowhere.internal", 80), "error"))[0]).toMatchObject({ code: "ENOTFOUND" });
    const port = await listen(far, (socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.resetAndDestroy());
    });
    const reset = connect(near, far.address, port);
    reset.write("x");
    expect((await once(reset, "error"))[0]).toMatchObject({ code: "ECONNRESET", syscall: "read" });
    const controller = new AbortController();
    const aborted = new TunnelSocket(near, { signal: controller.signal }).connect(port, far.address);
    controller.abort();
    expect((await once(aborted, "error"))[0]).toMatchObject({ name: "AbortError" });
    expect(() => new TunnelSocket(near).connect(0, far.address)).toThrow(/Port should be/);
  });

  it("listens to no signal when it refuses to connect", () => {
    const { near, far } = pair();
    let listening = 0;
    const signal = Object.assign(new AbortController().signal, { addEventListener: () => void listening++ });
    for (const wrong of [{ port: -1 }, { port: 9, localAddress: "nowhere" }]) {
      expect(() => new TunnelSocket(near).connect({ host: far.address, signal, ...wrong })).toThrow();
    }
    expect(listening).toBe(0);
  });

  it("neither connects nor listens to a signal once it is destroyed", () => {
    const { near, far } = pair();
    let listening = 0;
    const signal = Object.assign(new AbortController().signal, { addEventListener: () => void listening++ });
    const socket = new TunnelSocket(near).destroy();
    socket.connect({ host: far.address, port: 9, signal });
    expect([listening, near.open.size, socket.connecting]).toEqual([0, 0, false]);
  });

  it("tries the next address of a name at once when the first refuses, and soon when it is silent", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => socket.end("here"));
    expect(await textOf(connect(near, "two.internal", port))).toBe("here");
  });

  it("tells silence, and lets its owner go on", async () => {
    const { near, far } = pair();
    const port = await listen(far, () => {});
    const socket = connect(near, far.address, port);
    await once(socket, "connect");
    socket.setTimeout(20);
    await once(socket, "timeout");
    expect(socket.destroyed).toBe(false);
    socket.setTimeout(0);
  });

  it("keeps no process alive with the time that it may be silent", async () => {
    const { near } = pair();
    const socket = new TunnelSocket(near);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    socket.setTimeout(60_000);
    expect(timers()).toBe(before);
    socket.destroy();
  });

  it("leaves nothing behind in the stack", async () => {
    const { near, far } = pair();
    const port = await listen(far, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    for (let i = 0; i < 20; i++) {
      const socket = connect(near, far.address, port);
      socket.on("error", () => {});
      socket.write("x".repeat(100_000));
      if (i % 2 === 0) await once(socket, "connect");
      if (i % 3 === 0) socket.destroy();
      else if (i % 3 === 1) socket.resetAndDestroy();
      else {
        socket.end();
        socket.resume();
      }
      if (!socket.closed) await once(socket, "close");
    }
    const alive = (node: Node): string[] =>
      [...node.tcp.connections()].map(({ state }) => state).filter((state) => state !== "TIME-WAIT");
    await expect.poll(() => [alive(near), alive(far)], { timeout: 10_000 }).toEqual([[], []]);
  });
});

describe("a server", () => {
  it("serves HTTP to the runtime's own client", async () => {
    const { near, far } = pair();
    const web = createServer((request, response) => response.end(`you asked for ${request.url}`));
    const port = await listen(far, (socket) => web.emit("connection", socket), { allowHalfOpen: true });
    const agent = new Agent({ keepAlive: true });
    agent.createConnection = ({ host, port: at }) => connect(near, String(host), Number(at)) as never;
    for (const path of ["/a", "/b"]) {
      const text = await new Promise<string>((resolve, reject) => {
        get({ agent, host: far.address, port, path }, (response) => {
          let body = "";
          response.on("data", (chunk) => {
            body += chunk;
          });
          response.on("end", () => resolve(body));
        }).on("error", reject);
      });
      expect(text).toBe(`you asked for ${path}`);
    }
    agent.destroy();
  });

  it("says what keeps it from listening", async () => {
    const { near } = pair();
    const port = await listen(near, () => {});
    const second = new TunnelServer(near);
    second.listen(port);
    expect((await once(second, "error"))[0]).toMatchObject({ code: "EADDRINUSE", syscall: "listen", port });
    const foreign = new TunnelServer(near);
    foreign.listen(80, "192.0.2.77");
    expect((await once(foreign, "error"))[0]).toMatchObject({ code: "EADDRNOTAVAIL" });
  });

  it.each(["connection", "drop"])("tells all that came together, though a listener of %s throws", async (event) => {
    const { near, far } = pair();
    const server = new TunnelServer(far);
    server.maxConnections = event === "drop" ? 0 : undefined;
    server.listen(0);
    onTestFinished(() => void server.close());
    await once(server, "listening");
    let told = 0;
    server.on(event, () => {
      told += 1;
      throw new Error(`of ${told}`);
    });
    const held = hold(far);
    const sockets = [1, 2, 3].map(() => connect(near, far.address, server.address()!.port));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
    held.release();
    expect(() => far.stack.tell()).toThrow("of 1");
    expect(told).toBe(3);
  });

  it("closes once its last connection has gone", async () => {
    const { near, far } = pair();
    const server = new TunnelServer(far, {}, (socket) => socket.resume());
    server.listen(0);
    await once(server, "listening");
    const socket = connect(near, far.address, server.address()!.port);
    await once(server, "connection");
    let closed = false;
    const ended = once(server, "close").then(() => {
      closed = true;
    });
    server.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(false);
    socket.end();
    socket.resume();
    await ended;
    expect((await once(connect(near, far.address, 1), "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
  });
});

it("a buffer may be used again as soon as its write was taken", async () => {
  const { near, far } = pair();
  const chunks: Buffer[] = [];
  const port = await listen(far, (socket) => socket.on("data", (chunk) => chunks.push(chunk)));
  const socket = connect(near, far.address, port);
  await once(socket, "connect");
  const buffer = Buffer.alloc(50_000, 1);
  await new Promise((resolve) => socket.write(buffer, resolve));
  buffer.fill(2);
  await expect.poll(() => Buffer.concat(chunks).length, { timeout: 10_000 }).toBe(50_000);
  expect(Buffer.concat(chunks).every((byte) => byte === 1)).toBe(true);
});
