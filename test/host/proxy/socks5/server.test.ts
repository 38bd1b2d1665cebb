import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { Login } from "../../../../host/proxy/login.ts";
import { serveSocks5 } from "../../../../host/proxy/socks5/server.ts";
import { ANY, bed, converse, echoServer } from "../support/bench.ts";

const HELLO = Uint8Array.of(5, 1, 0);
const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);
const named = (name: string): Uint8Array => Uint8Array.of(3, name.length, ...new TextEncoder().encode(name));
const request = (command: number, address: Uint8Array, port: number): Uint8Array =>
  Uint8Array.of(5, command, 0, ...address, ...portBytes(port));
const LOOPBACK = Uint8Array.of(1, 127, 0, 0, 1);

async function start(options: { login?: Login } = {}, limits: Parameters<typeof bed>[0] = {}) {
  const test = bed(limits);
  const listener = await serveSocks5(test.context, { bind: ANY, ...options });
  onTestFinished(() => listener.close());
  return { ...test, port: listener.address.port };
}

describe("a SOCKS5 proxy", () => {
  it("connects by address, passes half-close on, and brings the answer back", async () => {
    const { port } = await start();
    const { text, reset } = await converse(port, [HELLO, request(1, LOOPBACK, await echoServer()), "hel", "lo"]);
    expect(text).toBe("\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0echo:hello");
    expect(reset).toBe(false);
  });

  it("hands names on unresolved", async () => {
    const { port, way } = await start();
    way.names.set("db.internal", "127.0.0.1");
    const target = await echoServer();
    const { text } = await converse(port, [HELLO, request(1, named("db.internal"), target), "x"]);
    expect(text).toContain("echo:x");
    expect(way.asked).toEqual([{ host: "db.internal", port: target }]);
  });

  it("takes a request that comes byte by byte", async () => {
    const { port } = await start();
    const all = [...HELLO, ...request(1, LOOPBACK, await echoServer()), 65];
    const { text } = await converse(
      port,
      all.map((byte) => Uint8Array.of(byte)),
    );
    expect(text).toContain("echo:A");
  });

  it.each([
    ["refused", LOOPBACK, 1, 5],
    ["unknown name", named("nobody.internal"), 80, 4],
    ["a name that no host can have", named("no host"), 80, 4],
  ])("tells: %s", async (_, address, port, code) => {
    const proxy = await start();
    const { text } = await converse(proxy.port, [HELLO, request(1, address, port)], "stay");
    expect(text.charCodeAt(3)).toBe(code);
  });

  it("refuses BIND and unknown address types with the reply for each", async () => {
    const { port } = await start();
    expect((await converse(port, [HELLO, request(2, LOOPBACK, 80)], "stay")).text.charCodeAt(3)).toBe(7);
    expect((await converse(port, [HELLO, Uint8Array.of(5, 1, 0, 9)], "stay")).text.charCodeAt(3)).toBe(8);
  });

  it("lets nobody in without the right user and password", async () => {
    const { port } = await start({ login: new Login("ann", "pässword") });
    const login = (user: string, password: string): Uint8Array => {
      const [u, p] = [new TextEncoder().encode(user), new TextEncoder().encode(password)];
      return Uint8Array.of(1, u.length, ...u, p.length, ...p);
    };
    const offer = Uint8Array.of(5, 2, 0, 2);
    const target = request(1, LOOPBACK, await echoServer());
    expect((await converse(port, [offer, login("ann", "pässword"), target, "x"])).text).toContain("echo:x");
    for (const wrong of [login("ann", "password"), login("ann", ""), login("", "pässword"), login("annp", "ässword")]) {
      const { text } = await converse(port, [offer, wrong, target, "x"], "stay");
      expect(text).toBe("\x05\x02\x01\x01");
    }
    expect((await converse(port, [HELLO, target], "stay")).text).toBe("\x05\xff");
  });

  it("does not hear a user who was wrong too often, even if he is right, and hears the others", async () => {
    let user = 1000;
    const { port, log } = await start({ login: new Login("ann", "secret") }, { users: () => [user] });
    const target = request(1, LOOPBACK, await echoServer());
    const attempt = async (password: string): Promise<string> => {
      const login = Uint8Array.of(1, 3, ...Buffer.from("ann"), password.length, ...Buffer.from(password));
      return (await converse(port, [Uint8Array.of(5, 1, 2), login, target, "x"], "end")).text;
    };
    for (let i = 0; i < 10; i++) expect(await attempt(`guess${i}`)).toBe("\x05\x02\x01\x01");
    expect(await attempt("secret")).toBe("\x05\x02\x01\x01");
    expect(log.at(-1)).toContain("too many wrong passwords");
    user = 1001;
    expect(await attempt("secret")).toContain("echo:x");
  });

  it("drops a client that takes too long to say what it wants", async () => {
    const { port } = await start({}, { requestMs: 50 });
    expect(await converse(port, [HELLO], "stay")).toEqual({ text: "\x05\x00", reset: true });
  });

  it("takes no more connections than it may", async () => {
    const { port, connections } = await start({}, { most: 1 });
    const first = connect(port, "127.0.0.1");
    onTestFinished(() => void first.destroy());
    first.write(Buffer.concat([HELLO, request(1, LOOPBACK, await echoServer())]));
    // The answers to both, the later one ten bytes long.
    await expect.poll(() => first.read(12)?.length).toBe(12);
    expect((await converse(port, [HELLO], "stay")).text).toBe("");
    expect(connections.refused).toBe(1);
  });

  it("outlives whatever a client may send", async () => {
    const { port, connections } = await start();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 }), async (pieces) => {
        await converse(port, pieces);
      }),
      { numRuns: 200 },
    );
    const { text } = await converse(port, [HELLO, request(1, LOOPBACK, await echoServer()), "still here"]);
    expect(text).toContain("echo:still here");
    await expect.poll(() => connections.open, { timeout: 10_000 }).toBe(0);
  });
});

async function udp(): Promise<Socket> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  return socket;
}

describe("UDP ASSOCIATE", () => {
  async function associate(limits: Parameters<typeof bed>[0] = {}) {
    const proxy = await start({}, limits);
    const control = connect(proxy.port, "127.0.0.1");
    onTestFinished(() => void control.destroy());
    const read = () => new Promise<Buffer>((done) => control.once("data", done));
    control.write(HELLO);
    await read();
    control.write(request(3, Uint8Array.of(1, 0, 0, 0, 0), 0));
    const reply = await read();
    expect([...reply.subarray(0, 8)]).toEqual([5, 0, 0, 1, 127, 0, 0, 1]);
    return { ...proxy, control, relayPort: reply.readUInt16BE(8) };
  }

  async function answering(): Promise<number> {
    const server = await udp();
    server.on("message", (message, from) => server.send(`re:${message}`, from.port, from.address));
    return server.address().port;
  }

  const header = (fragment: number, port: number) => Uint8Array.of(0, 0, fragment, ...LOOPBACK, ...portBytes(port));

  it("relays datagrams with their addresses, and forgets fragments", async () => {
    const { relayPort } = await associate();
    const target = await answering();
    const client = await udp();
    const got = new Promise<Buffer>((done) => client.once("message", done));
    client.send(Buffer.concat([header(1, target), Buffer.from("fragment")]), relayPort, "127.0.0.1");
    client.send(Buffer.concat([header(0, target), Buffer.from("ping")]), relayPort, "127.0.0.1");
    expect(await got).toEqual(Buffer.concat([header(0, target), Buffer.from("re:ping")]));
  });

  it("is for the client's user, though others of this machine speak first and from the same address", async () => {
    let strangerPort = 0;
    let lookups = 0;
    const { relayPort, way } = await associate({
      users: (protocol, { port }) => {
        if (protocol === "tcp") return [1000];
        lookups += 1;
        return port === strangerPort ? [1001] : [1000];
      },
    });
    const target = await answering();
    const [stranger, client] = [await udp(), await udp()];
    strangerPort = stranger.address().port;
    const got = new Promise<Buffer>((done) => client.once("message", done));
    for (let i = 0; i < 20; i++)
      stranger.send(Buffer.concat([header(0, target), Buffer.from("mine")]), relayPort, "127.0.0.1");
    client.send(Buffer.concat([header(0, target), Buffer.from("ping")]), relayPort, "127.0.0.1");
    expect(await got).toEqual(Buffer.concat([header(0, target), Buffer.from("re:ping")]));
    expect(way.asked.length).toBe(1);
    expect(lookups).toBe(2);
  });

  it("is not left behind by a client that went while its port was opened", async () => {
    const { port, way, connections } = await start();
    const datagrams = way.datagrams;
    let [asked, open] = [() => {}, () => {}];
    const wasAsked = new Promise<void>((done) => {
      asked = done;
    });
    const mayOpen = new Promise<void>((done) => {
      open = done;
    });
    const closed = new Promise<void>((done) => {
      way.datagrams = async (onDatagram) => {
        asked();
        await mayOpen;
        const socket = await datagrams(onDatagram);
        return { ...socket, close: () => done(socket.close()) };
      };
    });
    const client = connect(port, "127.0.0.1");
    client.write(HELLO);
    await new Promise((done) => client.once("data", done));
    client.write(request(3, Uint8Array.of(1, 0, 0, 0, 0), 0));
    await wasAsked;
    client.destroy();
    connections.close();
    await expect.poll(() => connections.open).toBe(0);
    open();
    await closed;
  });

  it("is for the client alone, and ends with its connection", async () => {
    const { relayPort, control, way } = await associate();
    const target = await answering();
    const [client, stranger] = [await udp(), await udp()];
    const got = new Promise((done) => client.once("message", done));
    client.send(Buffer.concat([header(0, target), Buffer.from("1")]), relayPort, "127.0.0.1");
    await got;
    const before = way.asked.length;
    stranger.send(Buffer.concat([header(0, target), Buffer.from("2")]), relayPort, "127.0.0.1");
    const next = new Promise((done) => client.once("message", done));
    client.send(Buffer.concat([header(0, target), Buffer.from("3")]), relayPort, "127.0.0.1");
    await next;
    expect(way.asked.length).toBe(before + 1);
    control.destroy();
    // The port is free again once the association has ended.
    await expect
      .poll(
        async () => {
          const probe = createSocket("udp4");
          const bound = await new Promise((done) => {
            probe.once("error", () => done(false));
            probe.bind({ port: relayPort, address: "127.0.0.1", exclusive: true }, () => done(true));
          });
          probe.close();
          return bound;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
  });
});
