/**
 * The same scripts on the runtime's own sockets and on ours: what is told, in which order, and with which errors. Where the two differ on
 * purpose, the script says so; where another runtime's own differ from Node's, `DIFFERENCES` does.
 */
import { createSocket, type Socket as NodeDatagramSocket } from "node:dgram";
import type { EventEmitter } from "node:events";
import { connect, createServer, Socket, type SocketConnectOpts } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { runtime } from "../../../host/platform.ts";
import { TunnelDatagramSocket } from "../../../host/sockets/datagram.ts";
import { TunnelServer } from "../../../host/sockets/server.ts";
import { TunnelSocket } from "../../../host/sockets/socket.ts";
import { pair } from "./support/pair.ts";
import { DIFFERENCES, ENDLESS } from "./support/runtime-differences.ts";

/** What a script uses: the calls of node:net and node:dgram, and where its servers are. */
interface Sockets {
  readonly host: string;
  readonly name: string;
  connect(options: object, listener?: () => void): Socket;
  socket(options?: object): Socket;
  server(...args: Parameters<typeof createServer>): ReturnType<typeof createServer>;
  datagram(type: "udp4", onMessage?: (message: Buffer) => void): NodeDatagramSocket;
}

type Log = (...what: unknown[]) => void;
type Script = (sockets: Sockets, log: Log) => Promise<void> | void;

const system: Sockets = {
  host: "127.0.0.1",
  name: "localhost",
  connect: (options, listener) => connect(options as SocketConnectOpts, listener),
  socket: (options) => new Socket(options),
  server: (...args) => createServer(...args),
  datagram: (type, onMessage) => createSocket(type, onMessage),
};

function ours(): Sockets {
  const { near, far } = pair();
  return {
    host: "10.0.0.2",
    name: "far.internal",
    connect: (options, listener) =>
      new TunnelSocket(near, options).connect(options as never, listener) as unknown as Socket,
    socket: (options) => new TunnelSocket(near, options) as unknown as Socket,
    server: (options, listener) =>
      (typeof options === "function"
        ? new TunnelServer(far, {}, options as never)
        : new TunnelServer(far, options as never, listener as never)) as unknown as ReturnType<typeof createServer>,
    // Both ends on one node: there is nothing else to tell of.
    datagram: (type, onMessage) =>
      new TunnelDatagramSocket(far, { type }, onMessage as never) as unknown as NodeDatagramSocket,
  };
}

const event = (emitter: EventEmitter, name: string): Promise<unknown[]> =>
  new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));

/** What programs look at: the words are for people. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, code, syscall, errno, ...rest } = error as NodeJS.ErrnoException & Where;
  return { name, code, syscall, errno, address: rest.address, port: rest.port !== undefined, hostname: rest.hostname };
}

interface Where {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

function attempt(log: Log, what: string, make: () => unknown): void {
  try {
    make();
    log(what, "done");
  } catch (error) {
    log(what, told(error));
  }
}

async function play(script: Script, sockets: Sockets): Promise<string[]> {
  const lines: string[] = [];
  await script(sockets, (...what) => {
    const text = JSON.stringify(what);
    lines.push(
      text
        .replaceAll(sockets.host, "HOST")
        .replaceAll(sockets.name, "NAME")
        .replace(/:\d{4,5}\b/g, ":PORT"),
    );
  });
  return lines;
}

function logEvents(log: Log, who: string, socket: EventEmitter): void {
  for (const name of ["connect", "ready", "data", "end", "finish", "timeout", "error", "close", "listening", "message"])
    socket.on(name, (...args) =>
      log(who, name, ...args.map((each) => (Buffer.isBuffer(each) ? String(each) : told(each)))),
    );
}

/** A server that is there, closed after the test. */
async function listening(
  { server, host }: Sockets,
  options: object,
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; server: ReturnType<typeof createServer> }> {
  const made = server(options, onConnection);
  made.listen({ port: 0, host });
  await event(made, "listening");
  onTestFinished(() => void made.close());
  return { port: (made.address() as { port: number }).port, server: made };
}

const SCRIPTS: Record<string, Script> = {
  "a short talk": async (sockets, log) => {
    const { port } = await listening(sockets, {}, (socket) => socket.on("data", (chunk) => socket.end(`re:${chunk}`)));
    const socket = sockets.connect({ host: sockets.host, port }, () => log("listener"));
    logEvents(log, "client", socket);
    log(socket.connecting, socket.pending, socket.readyState, socket.remoteAddress, socket.bytesRead);
    await event(socket, "connect");
    log(socket.connecting, socket.pending, socket.readyState, socket.remoteAddress, socket.remoteFamily);
    log(socket.remotePort === port, Object.keys(socket.address()).sort());
    log("write", socket.write("hello"));
    await event(socket, "close");
    log(socket.destroyed, socket.readyState, socket.bytesRead, socket.bytesWritten, socket.remotePort === undefined);
  },
  "what is written before the connection is there, and the end behind it": async (sockets, log) => {
    const { port } = await listening(sockets, {}, (socket) => socket.pipe(socket));
    const socket = sockets.connect({ host: sockets.host, port });
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    log(socket.write("a"), socket.bytesWritten, socket.end("b").writableEnded);
    log(await event(socket, "close"), text, socket.bytesWritten);
  },
  "half-open or not": async (sockets, log) => {
    for (const allowHalfOpen of [true, false]) {
      let heard: (text: string) => void = () => {};
      const late = new Promise((resolve) => {
        heard = resolve;
      });
      const { port } = await listening(sockets, { allowHalfOpen: true }, (socket) => {
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("end", () => heard(text));
        socket.end("all");
      });
      const socket = sockets.connect({ host: sockets.host, port, allowHalfOpen });
      socket.resume();
      await event(socket, "end");
      log(socket.readyState, socket.writable, socket.writableEnded);
      if (allowHalfOpen) socket.end("later");
      log(await event(socket, "close"), await late);
    }
  },
  "errors of connecting": async (sockets, log) => {
    const { port, server } = await listening(sockets, {}, () => {});
    server.close();
    await event(server, "close");
    const refused = sockets.connect({ host: sockets.host, port });
    logEvents(log, "refused", refused);
    await event(refused, "close");
    for (const wrong of [70_000, -1, "x", 1.5])
      attempt(log, `port ${wrong}`, () => sockets.connect({ host: sockets.host, port: wrong }).on("error", () => {}));
    attempt(log, "from", () => sockets.connect({ host: sockets.host, port, localAddress: "here" }));
    const elsewhere = sockets.connect({ host: sockets.host, port, localAddress: "192.0.2.1" });
    const [{ code }] = (await event(elsewhere, "error")) as [NodeJS.ErrnoException];
    log(code);
    const unknown = sockets.connect({ host: "nobody.invalid", port: 80 });
    const [error] = (await event(unknown, "error")) as [NodeJS.ErrnoException & { hostname?: string }];
    // A machine without the Internet may say EAI_AGAIN.
    log(error.syscall, error.hostname, error.message.replace(String(error.code), "CODE"));
  },
  "an AbortSignal, before and while connecting and later": async (sockets, log) => {
    const { port } = await listening(sockets, {}, (socket) => void socket.on("error", () => {}));
    for (const when of ["before", "while connecting", "later"]) {
      for (const reason of [undefined, new Error("mine"), "a text"]) {
        const controller = new AbortController();
        if (when === "before") controller.abort(reason);
        const socket = sockets.connect({ host: sockets.host, port, signal: controller.signal });
        if (when === "later") await event(socket, "connect");
        if (when !== "before") controller.abort(reason);
        const closed = event(socket, "close");
        const [error] = (await event(socket, "error")) as [NodeJS.ErrnoException];
        const { name, code, message } = error;
        log(when, name, code, message, error.cause instanceof Error ? error.cause.name : error.cause);
        await closed;
      }
    }
  },
  "writing after the end, and to a closed one": async (sockets, log) => {
    // Ours is reset, so that what was cut off is not taken for the whole.
    const { port } = await listening(sockets, {}, (socket) => socket.on("error", () => {}).resume());
    const socket = sockets.connect({ host: sockets.host, port });
    socket.on("error", (error) => log("error", told(error)));
    await event(socket, "connect");
    socket.end();
    socket.write("x", (error) => log("callback", (error as NodeJS.ErrnoException)?.code));
    log(await event(socket, "close"));
    socket.write("y", (error) => log("callback", (error as NodeJS.ErrnoException)?.code));
    log(socket.destroy() === socket, socket.end() === socket);
    await new Promise((done) => setImmediate(done));
  },
  "a reset": async (sockets, log) => {
    let closed: Promise<unknown> | undefined;
    const { port } = await listening(sockets, {}, (socket) => {
      closed = event(socket, "close");
      socket.once("data", () => socket.resetAndDestroy());
    });
    const socket = sockets.connect({ host: sockets.host, port });
    logEvents(log, "client", socket);
    await event(socket, "connect");
    socket.write("x");
    await event(socket, "close");
    log("server", await closed);
  },
  "a time without a byte": async (sockets, log) => {
    const { port } = await listening(sockets, {}, (socket) => socket.resume());
    const socket = sockets.connect({ host: sockets.host, port });
    log(socket.timeout);
    log(socket.setTimeout(20, () => log("listener")) === socket, socket.timeout);
    await event(socket, "timeout");
    log(socket.destroyed, socket.listenerCount("timeout"));
    socket.destroy();
    log(await event(socket, "close"));
  },
  "a server's life": async (sockets, log) => {
    const server = sockets.server();
    log(server.listening, server.address());
    const answered = new Promise<unknown>((done) => server.close((error) => done(told(error))));
    log("closed", await answered);
    attempt(log, "port", () => server.listen(70_000, sockets.host));
    server.listen({ port: 0, host: sockets.host }, () => log("listener"));
    await event(server, "listening");
    attempt(log, "again", () => server.listen({ port: 0, host: sockets.host }));
    const { port } = server.address() as { port: number };
    log(Object.keys(server.address()!).sort());
    const second = sockets.server();
    second.listen({ port, host: sockets.host });
    log(told((await event(second, "error"))[0]));
    const client = sockets.connect({ host: sockets.host, port });
    const [socket] = (await event(server, "connection")) as [Socket];
    log(await new Promise((done) => server.getConnections((error, count) => done([error, count]))));
    server.close((error) => log("closed", told(error)));
    log(server.listening, server.address());
    const closed = event(server, "close");
    socket.end();
    client.resume();
    await closed;
    server.listen({ port: 0, host: sockets.host });
    await event(server, "listening");
    server.close();
    await event(server, "close");
  },
  "a server that is aborted, before and later, and listens to the signal no more once it is closed": async (
    sockets,
    log,
  ) => {
    const later = new AbortController();
    const server = sockets.server().listen({ port: 0, host: sockets.host, signal: later.signal });
    await event(server, "listening");
    later.abort();
    log(await event(server, "close"), server.listening);
    const before = sockets.server();
    before.listen({ port: 0, host: sockets.host, signal: AbortSignal.abort() });
    log(await event(before, "close"), before.listening);
  },
  "more connections than a server takes": async (sockets, log) => {
    const { port, server } = await listening(sockets, {}, (socket) => socket.resume());
    server.maxConnections = 1;
    const first = sockets.connect({ host: sockets.host, port });
    await event(server, "connection");
    const dropped = event(server, "drop");
    const second = sockets.connect({ host: sockets.host, port });
    second.on("error", () => {});
    const [data] = (await dropped) as [object];
    log(Object.keys(data).sort());
    await event(second, "close");
    first.destroy();
  },
  "datagrams to an address, with and without callbacks": async (sockets, log) => {
    const heard: string[] = [];
    const server = sockets.datagram("udp4", (message) => heard.push(String(message)));
    server.bind(0, sockets.host);
    await event(server, "listening");
    const { port, family, address } = server.address();
    log(family, address);
    const client = sockets.datagram("udp4");
    logEvents(log, "client", client);
    attempt(log, "address", () => client.address());
    client.send("one", port, sockets.host, (error, bytes) => log("sent", told(error), bytes));
    await event(client, "listening");
    client.send(Buffer.from("-two-"), 1, 3, port, sockets.host);
    client.send(["th", Buffer.from("ree")], port, sockets.host);
    client.send("", port, sockets.host);
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(4);
    // Deno's own sends all at once, in any order.
    log(runtime() === "deno" ? heard.sort() : heard);
    attempt(log, "port 0", () => client.send("x", 0, sockets.host));
    attempt(log, "no port", () => client.send("x"));
    attempt(log, "offset", () => client.send(Buffer.from("x"), 2, 3, port, sockets.host));
    attempt(log, "bind again", () => client.bind(0));
    client.close(() => log("closed"));
    await event(client, "close");
    attempt(log, "send", () => client.send("x", port, sockets.host));
    attempt(log, "bind", () => client.bind(0));
    attempt(log, "address", () => client.address());
    server.close();
  },
  "datagrams of a connected socket": async (sockets, log) => {
    const server = sockets.datagram("udp4");
    server.bind(0, sockets.host);
    await event(server, "listening");
    const { port } = server.address();
    const client = sockets.datagram("udp4");
    attempt(log, "remote", () => client.remoteAddress());
    attempt(log, "disconnect", () => client.disconnect());
    attempt(log, "port", () => client.connect(0, sockets.host));
    client.connect(port, sockets.host, () => log("listener"));
    attempt(log, "connect again", () => client.connect(port, sockets.host));
    await event(client, "connect");
    log(client.remoteAddress().port === port, client.remoteAddress().address, client.remoteAddress().family);
    attempt(log, "connect again", () => client.connect(port, sockets.host));
    attempt(log, "send elsewhere", () => client.send("x", port, sockets.host));
    const message = event(server, "message");
    client.send("to whom it is connected", (error, bytes) => log("sent", told(error), bytes));
    log(String((await message)[0]));
    client.disconnect();
    attempt(log, "remote", () => client.remoteAddress());
    attempt(log, "no port", () => client.send("x"));
    client.close();
    server.close();
  },
  "options of a datagram socket": async (sockets, log) => {
    const socket = sockets.datagram("udp4");
    socket.bind(0, sockets.host);
    await event(socket, "listening");
    log(socket.setTTL(7), socket.ref() === socket, socket.unref() === socket);
    // Deno's own has none.
    log(socket.getSendQueueCount?.() ?? 0);
    attempt(log, "ttl", () => socket.setTTL(0));
    attempt(log, "ttl", () => socket.setTTL(256));
    socket.close();
  },
};

async function expected(name: string, script: Script): Promise<readonly string[]> {
  const endless = ENDLESS[runtime()]?.[name];
  if (endless !== undefined) return endless;
  const lines = await play(script, system);
  for (const [own, instead] of DIFFERENCES[runtime()]?.[name] ?? []) {
    // In Deno chance may have it right.
    if (runtime() !== "deno") expect(lines).toContain(own);
    if (lines.includes(own)) lines[lines.indexOf(own)] = instead;
  }
  return lines;
}

describe("the tunnel's sockets do as the system's in", () => {
  it.each(Object.entries(SCRIPTS))("%s", async (name, script) => {
    const lines = await expected(name, script);
    expect(await play(script, ours())).toEqual(lines);
  });
});
