import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { generatePrivateKey } from "../../../host/library/device-keys.ts";
import { Network } from "../../../host/network/network.ts";
import type { NetworkOptions } from "../../../host/network/network-options.ts";
import { networks } from "../../support/networks.ts";

async function listen(network: Network, answer: string): Promise<number> {
  const server = network.createServer((socket) => socket.end(answer));
  server.listen(0);
  await once(server, "listening");
  return server.address()!.port;
}

async function ask(network: Network, host: string, port: number): Promise<string> {
  const socket = network.connect({ host, port });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await once(socket, "close");
  return text;
}

describe("a network", () => {
  it("listens to no signal for a connection that it refuses", async () => {
    const { near } = await networks();
    let listening = 0;
    const signal = Object.assign(new AbortController().signal, { addEventListener: () => void listening++ });
    const wrong = { port: 0, signal };
    expect(() => near.connect(wrong)).toThrow(/Port should be/);
    await expect(near.open(wrong)).rejects.toThrow(/Port should be/);
    expect(listening).toBe(0);
  });

  it("carries connections of both families, by address and by name, from the first packet on", async () => {
    const { near, far } = await networks();
    const port = await listen(far, "hello");
    for (const host of ["10.0.0.2", "fd00::2", "far.internal"]) expect(await ask(near, host, port)).toBe("hello");
    expect(near.status()).toMatchObject({ ready: true, peers: [{ session: true }] });
    expect(near.statistics().peers[0]!.txBytes).toBeGreaterThan(0n);
  });

  it("prefers the family that it is told to, and takes the other where there is no such address", async () => {
    const hosts = { "far.internal": ["10.0.0.2", "fd00::2"], "six.internal": ["fd00::2"] };
    const { near, far } = await networks({ prefer: "ipv4", hosts });
    const port = await listen(far, "x");
    const familyOf = async (host: string): Promise<string | undefined> => {
      const socket = near.connect(port, host);
      await once(socket, "connect");
      socket.destroy();
      return socket.remoteFamily;
    };
    expect(await familyOf("far.internal")).toBe("IPv4");
    expect(await familyOf("six.internal")).toBe("IPv6");
  });

  it("is ready once a peer answers, and says when none does", async () => {
    const { near, far } = await networks();
    expect(near.status().ready).toBe(false);
    await near.ready();
    expect(near.status().ready).toBe(true);
    await expect(far.ready()).resolves.toBeUndefined();
    const lonely = await networks({ peers: [] });
    await expect(lonely.near.ready()).rejects.toMatchObject({ code: "NOT_READY" });
    await expect(lonely.far.ready({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });

  it("fetches over HTTP, pings, and looks names up inside only", async () => {
    const { near, far } = await networks();
    const web = createServer((request, response) => response.end(`at ${request.headers.host}`));
    const server = far.createServer({ allowHalfOpen: true }, (socket) => web.emit("connection", socket));
    server.listen(80);
    await once(server, "listening");
    expect(await (await near.fetch("http://far.internal/")).text()).toBe("at far.internal");
    expect(await near.ping("far.internal")).toMatchObject({ hopLimit: expect.any(Number) });
    expect(await near.resolve4("far.internal")).toEqual(["10.0.0.2"]);
    await expect(near.fetch("http://localhost/")).rejects.toMatchObject({ cause: { code: "ENOTFOUND" } });
    await expect(near.resolve4("example.com")).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    const found = await new Promise((resolve) =>
      near.lookup("far.internal", { all: true }, (_error, all) => resolve(all)),
    );
    expect(found).toEqual(expect.arrayContaining([{ address: "10.0.0.2", family: 4 }]));
  });

  it("gives connections with web streams, whose sides end separately", async () => {
    const { near, far } = await networks();
    const server = far.createServer({ allowHalfOpen: true }, (socket) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("end", () => socket.end(`got ${text}`));
    });
    server.listen(7);
    await once(server, "listening");
    const conn = await near.open({ host: "10.0.0.2", port: 7 });
    expect(conn.remoteAddr).toEqual({ transport: "tcp", hostname: "10.0.0.2", port: 7 });
    const writer = conn.writable.getWriter();
    await writer.write(new TextEncoder().encode("abc"));
    await writer.close();
    expect(await new Response(conn.readable).text()).toBe("got abc");
    conn.close();
    await expect(near.open({ host: "10.0.0.2", port: 8 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("gives up a connection that is aborted, for whatever reason, and tells of one that was cut while it ended its side", async () => {
    const { near, far } = await networks();
    const server = far.createServer((socket) => void socket.on("error", () => {}).pause());
    server.listen(7);
    await once(server, "listening");
    for (const reason of ["a text", new Error("mine"), undefined]) {
      const controller = new AbortController();
      const opening = near.open({ host: "10.0.0.9", port: 7, signal: controller.signal });
      controller.abort(reason);
      await expect(opening).rejects.toBe(controller.signal.reason);
    }
    const accepted = once(server, "connection");
    const conn = await near.open({ host: "10.0.0.2", port: 7 });
    const [socket] = await accepted;
    // More than the windows take.
    const writing = conn.writable.getWriter().write(new Uint8Array(30_000_000));
    const ending = conn.closeWrite();
    socket.resetAndDestroy();
    await expect(writing).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(ending).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(conn.closeWrite()).rejects.toThrow();
  });

  it("checks its options as a whole, and a configuration as one", async () => {
    const privateKey = generatePrivateKey();
    for (const wrong of [
      {},
      { privateKey },
      { privateKey, addresses: [] },
      { privateKey, addresses: ["10.0.0"] },
      { privateKey, addresses: ["10.0.0.1/33"] },
      { privateKey, addresses: "10.0.0.1" },
      { privateKey, addresses: ["10.0.0.1"], dns: ["dns.example"] },
      { privateKey, addresses: ["10.0.0.1"], Addresses: [] },
      { privateKey, addresses: ["10.0.0.1"], prefer: "both" },
      { privateKey, addresses: ["10.0.0.1"], memory: 1 },
      { privateKey, addresses: ["10.0.0.1"], tap: true },
    ]) {
      await expect(Network.create(wrong as NetworkOptions)).rejects.toMatchObject({ nextStep: expect.any(String) });
    }
    const text = `[Interface]\nPrivateKey = ${Buffer.from(privateKey).toString("base64")}\nAddress = 10.9.0.1/24\nPostUp = rm -rf /\nTable = 5\n`;
    const network = await Network.fromConfig(text);
    expect(network.addresses).toEqual(["10.9.0.1"]);
    await network.close();
    await network.close();
    await expect(Network.fromConfig("[Interface]\nAddress = 10.9.0.1\n")).rejects.toMatchObject({ code: "CONFIG" });
  });

  it("tells of handshakes and endpoints, and counts connections and bytes", async () => {
    const { near, far } = await networks();
    const heard: string[] = [];
    for (const type of ["handshake", "endpoint"] as const) far.on(type, () => heard.push(type));
    const server = far.createServer((socket) => socket.resume());
    server.listen(7);
    await once(server, "listening");
    const socket = near.connect(7, "10.0.0.2");
    await new Promise<void>((done) => socket.write(Buffer.alloc(100_000), () => done()));
    expect(near.status()).toMatchObject({ ready: true, connections: 1 });
    await expect.poll(() => far.statistics().connections[0]?.bytesIn, { timeout: 20_000 }).toBe(100_000);
    // What was acknowledged.
    await expect.poll(() => near.statistics().connections[0]?.bytesOut, { timeout: 20_000 }).toBe(100_000);
    const [connection] = near.statistics().connections;
    expect(connection).toMatchObject({ state: "ESTABLISHED", remote: "10.0.0.2:7" });
    expect(connection!.bytesRetransmitted).toBeGreaterThanOrEqual(0);
    expect(near.statistics().stack).toMatchObject({ tcpActiveOpens: 1, tcpRetransmits: expect.any(Number) });
    expect(near.statistics().stack.bytesOut).toBeGreaterThan(100_000);
    expect(heard).toEqual(expect.arrayContaining(["endpoint", "handshake"]));
    socket.destroy();
    await expect.poll(() => near.status().connections, { timeout: 20_000 }).toBe(0);
  });

  it("resets what is open when it closes, and can be disposed of", async () => {
    const { near, far } = await networks();
    const server = far.createServer(() => {});
    server.on("connection", (socket) => socket.on("error", () => {}));
    server.listen(7);
    await once(server, "listening");
    const socket = near.connect(7, "10.0.0.2");
    await once(socket, "connect");
    const ended = once(socket, "close");
    await near.close();
    await ended;
    expect(typeof (near as unknown as Record<symbol, unknown>)[Symbol.asyncDispose]).toBe("function");
  });
});
