import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { forwardIn, forwardOut, forwardStdio } from "../../../../host/proxy/forward/tcp.ts";
import { forwardUdpIn, forwardUdpOut } from "../../../../host/proxy/forward/udp.ts";
import type { OnDatagram, Target } from "../../../../host/proxy/way.ts";
import { ANY, bed, converse, echoServer } from "../support/bench.ts";

const here = (port: number) => ({ host: "127.0.0.1", port });

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

describe("a TCP forward", () => {
  it("carries half-close from here to a target inside", async () => {
    const { context } = bed();
    const listener = await forwardOut(context, ANY, here(await echoServer()));
    onTestFinished(() => listener.close());
    expect((await converse(listener.address.port, ["a", "b"])).text).toBe("echo:ab");
  });

  it("carries half-close from inside to a target here", async () => {
    const { context } = bed();
    const port = await freePort();
    const listener = await forwardIn(context, port, here(await echoServer()));
    onTestFinished(() => listener.close());
    expect((await converse(port, ["a", "b"])).text).toBe("echo:ab");
  });

  it("resets its client when the target refuses or resets", async () => {
    const { context } = bed();
    const refusing = await forwardOut(context, ANY, here(1));
    onTestFinished(() => refusing.close());
    expect(await converse(refusing.address.port, ["x"])).toEqual({ text: "", reset: true });
    const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const cut = await forwardOut(context, ANY, here((server.address() as AddressInfo).port));
    onTestFinished(() => cut.close());
    expect((await converse(cut.address.port, ["x"], "stay")).reset).toBe(true);
  });

  it("ends a connection that is idle for too long, and no other", async () => {
    const { context, connections } = bed({ idleMs: 100 });
    const listener = await forwardOut(context, ANY, here(await echoServer()));
    onTestFinished(() => listener.close());
    expect((await converse(listener.address.port, ["x"], "stay")).reset).toBe(true);
    await expect.poll(() => connections.open, { timeout: 10_000 }).toBe(0);
  });

  it("lets what is open end when it is drained, and takes nothing new", async () => {
    const { context, connections } = bed();
    const listener = await forwardOut(context, ANY, here(await echoServer()));
    onTestFinished(() => listener.close());
    let release = (): void => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const { connect } = await import("node:net");
    const client = connect({ ...here(listener.address.port), allowHalfOpen: true });
    let text = "";
    client.on("data", (chunk) => {
      text += chunk;
    });
    client.write("be");
    await expect.poll(() => connections.open, { timeout: 10_000 }).toBe(1);
    const drained = connections.drain(30_000).then(release);
    expect((await converse(listener.address.port, ["x"], "stay")).text).toBe("");
    client.end("fore");
    await held;
    await drained;
    await expect.poll(() => text, { timeout: 10_000 }).toBe("echo:before");
  });

  it("joins standard input and output to a target", async () => {
    const { context } = bed();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const chunks: Buffer[] = [];
    output.on("data", (chunk) => chunks.push(chunk));
    const ended = forwardStdio(context, here(await echoServer()), { input, output });
    input.end("by pipe");
    expect(await ended).toMatchObject({ sent: 7, received: 12 });
    expect(Buffer.concat(chunks).toString()).toBe("echo:by pipe");
  });
});

async function udp(): Promise<Socket> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  return socket;
}

async function answering(): Promise<number> {
  const server = await udp();
  server.on("message", (message, from) => server.send(`re:${message}`, from.port, from.address));
  return server.address().port;
}

const ask = (socket: Socket, port: number, text: string): Promise<string> =>
  new Promise((done) => {
    socket.once("message", (message) => done(String(message)));
    socket.send(text, port, "127.0.0.1");
  });

describe("a UDP forward", () => {
  it("brings each client its own answers, from here to inside", async () => {
    const { context } = bed();
    const listener = await forwardUdpOut(context, ANY, { target: here(await answering()), idleMs: 0 });
    onTestFinished(() => listener.close());
    const [ann, bob] = [await udp(), await udp()];
    expect(await Promise.all([ask(ann, listener.address.port, "a"), ask(bob, listener.address.port, "b")])).toEqual([
      "re:a",
      "re:b",
    ]);
  });

  it("tells that it is used, of datagrams in both directions", async () => {
    let used = 0;
    const { context } = bed({ used: () => used++ });
    const target = await udp();
    const listener = await forwardUdpOut(context, ANY, { target: here(target.address().port), idleMs: 0 });
    onTestFinished(() => listener.close());
    const client = await udp();
    client.send("there", listener.address.port, "127.0.0.1");
    const [, session] = (await once(target, "message")) as [Buffer, { port: number }];
    expect(used).toBe(1);
    target.send("and back", session.port, "127.0.0.1");
    await once(client, "message");
    expect(used).toBe(2);
  });

  it("and from inside to here", async () => {
    const { context } = bed();
    const port = await freePort();
    const forward = await forwardUdpIn(context, port, { target: here(await answering()), idleMs: 1000 });
    onTestFinished(() => forward.close());
    expect(await ask(await udp(), port, "x")).toBe("re:x");
  });

  it.each(["from here to inside", "from inside to here"])("brings nobody else's, %s", async (direction) => {
    const { context } = bed();
    const [target, stranger, client] = [await udp(), await udp(), await udp()];
    const heard: string[] = [];
    client.on("message", (message) => heard.push(String(message)));
    let port = await freePort();
    if (direction === "from inside to here") {
      const forward = await forwardUdpIn(context, port, { target: here(target.address().port), idleMs: 0 });
      onTestFinished(() => forward.close());
    } else {
      const listener = await forwardUdpOut(context, ANY, { target: here(target.address().port), idleMs: 0 });
      onTestFinished(() => listener.close());
      port = listener.address.port;
    }
    client.send("ask", port, "127.0.0.1");
    const [, session] = (await once(target, "message")) as [Buffer, { port: number }];
    await new Promise((done) => stranger.send("forged", session.port, "127.0.0.1", done));
    target.send("true", session.port, "127.0.0.1");
    await expect.poll(() => heard).toEqual(["true"]);
  });

  it("tries again for a client whose socket could not be opened", async () => {
    const { context, way } = bed();
    const correspond = way.correspond;
    let tries = 0;
    way.correspond = (...asked) => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error("no such name yet")) : correspond(...asked);
    };
    const listener = await forwardUdpOut(context, ANY, { target: here(await answering()), idleMs: 0 });
    onTestFinished(() => listener.close());
    const client = await udp();
    client.send("lost", listener.address.port, "127.0.0.1");
    await expect.poll(() => tries).toBe(1);
    expect(await ask(client, listener.address.port, "x")).toBe("re:x");
  });

  it("forgets a client that is idle, and serves it anew", async () => {
    const { context, way } = bed();
    let open = 0;
    const correspond = way.correspond;
    way.correspond = async (target, onAnswer) => {
      open += 1;
      const socket = await correspond(target, onAnswer);
      return {
        ...socket,
        close: () => {
          open -= 1;
          socket.close();
        },
      };
    };
    const listener = await forwardUdpOut(context, ANY, { target: here(await answering()), idleMs: 100 });
    onTestFinished(() => listener.close());
    const client = await udp();
    await ask(client, listener.address.port, "1");
    await expect.poll(() => open, { timeout: 10_000 }).toBe(0);
    expect(await ask(client, listener.address.port, "2")).toBe("re:2");
  });

  /** Clients at a time, few: a thousand sockets take Deno under Wine 12 s and more. */
  const MOST = 32;

  /** A forward from inside, and what somebody there would make of its datagrams. */
  async function fromInside(targetPort: number) {
    const { context, way, connections } = bed();
    const answers: { text: string; to: Target }[] = [];
    let deliver: OnDatagram = () => {};
    way.bind = async (_, onDatagram) => {
      deliver = onDatagram;
      return {
        send: (payload, to) => {
          // As sockets do.
          if (to.port === 0) throw new RangeError("port 0");
          answers.push({ text: Buffer.from(payload).toString(), to });
        },
        close: () => {},
      };
    };
    const forward = await forwardUdpIn(context, 53, { target: here(targetPort), idleMs: 0, most: MOST });
    onTestFinished(() => forward.close());
    return { answers, connections, deliver: (text: string, from: Target) => deliver(Buffer.from(text), from) };
  }

  it("hears nobody who cannot be answered", async () => {
    const target = await udp();
    const heard: string[] = [];
    target.on("message", (message, from) => {
      heard.push(String(message));
      target.send(`re:${message}`, from.port, from.address);
    });
    const { answers, deliver } = await fromInside(target.address().port);
    deliver("from nowhere", { host: "10.0.0.9", port: 0 });
    deliver("from somewhere", { host: "10.0.0.9", port: 7 });
    await expect.poll(() => answers).toEqual([{ text: "re:from somewhere", to: { host: "10.0.0.9", port: 7 } }]);
    expect(heard).toEqual(["from somewhere"]);
  });

  it("opens no more sockets at a time than it keeps, and counts whom it drops", async () => {
    const { answers, connections, deliver } = await fromInside(await answering());
    // All before the first of them is open.
    for (let i = 0; i < 100; i++) deliver("flood", { host: `10.1.0.${i}`, port: 7 });
    expect(connections.refused).toBe(100 - MOST);
    const late = { host: "10.0.0.9", port: 7 };
    await expect
      .poll(
        () => {
          deliver("late", late);
          return answers.some(({ to }) => to.host === late.host);
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  });

  it("keeps a place for a socket whose name is looked up for longer than a client may be idle", async () => {
    const { context, way } = bed();
    let opening = 0;
    let fail = (): void => {};
    way.correspond = () => {
      opening += 1;
      return new Promise((_, reject) => {
        fail = () => reject(new Error("no such name"));
      });
    };
    const listener = await forwardUdpOut(context, ANY, { target: here(9), idleMs: 20 });
    onTestFinished(() => listener.close());
    const client = await udp();
    const send = () => client.send("x", listener.address.port, "127.0.0.1");
    send();
    await expect.poll(() => opening).toBe(1);
    await new Promise((done) => setTimeout(done, 100));
    send();
    send();
    await new Promise((done) => setTimeout(done, 50));
    expect(opening).toBe(1);
    fail();
    await expect
      .poll(() => {
        send();
        return opening;
      })
      .toBe(2);
  });

  it("outlives more senders than it keeps, datagrams of every size, and a target that refuses them", async () => {
    const { answers, deliver } = await fromInside(await answering());
    for (let i = 0; i < 100; i++) deliver("flood", { host: `10.1.0.${i}`, port: 1 + i });
    for (const bytes of [0, 65_507, 65_508, 65_535]) deliver("x".repeat(bytes), { host: "10.0.0.8", port: 7 });
    await expect
      .poll(
        () => {
          deliver("still here", { host: "10.0.0.9", port: 7 });
          return answers.map(({ text, to }) => to.host === "10.0.0.9" && text).includes("re:still here");
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    const gone = await freePort();
    const refused = await fromInside(gone);
    for (let i = 0; i < 20; i++) {
      refused.deliver("nobody", { host: "10.0.0.9", port: 7 });
      await new Promise((done) => setImmediate(done));
    }
    expect(refused.answers).toEqual([]);
  });
});
